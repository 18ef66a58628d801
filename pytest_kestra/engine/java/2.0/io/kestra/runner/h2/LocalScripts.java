package io.kestra.runner.h2;

import io.kestra.core.exceptions.FlowProcessingException;
import io.kestra.core.models.flows.FlowInterface;
import io.kestra.core.runners.ProcessedFlow;
import io.kestra.core.services.FlowParsingService;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.Collection;
import java.util.Map;

/**
 * Runs scripts as processes of this machine unless their flow names another runner, since a laptop has no Docker.
 *
 * Kestra 1.3 has a setting for that, in 2.0 it is a policy of other editions: they change flows where this does.
 */
final class LocalScripts extends FlowParsingService {
    private static final String SCRIPTS = "io.kestra.plugin.scripts.";
    private static final Map<String, String> PROCESS = Map.of("type", "io.kestra.plugin.core.runner.Process");

    @Override
    public ProcessedFlow parseForRuntime(FlowInterface flow) throws FlowProcessingException {
        ProcessedFlow parsed = super.parseForRuntime(flow);
        String source = flow.sourceOrGenerateIfNull();
        if (!source.contains(SCRIPTS)) {
            return parsed;
        }
        try {
            Map<String, Object> values = readFlowAsMap(flow.getTenantId(), flow.getNamespace(), source);
            complete(values);
            return ProcessedFlow.of(
                parseFlowFromMap(values, flow.getTenantId(), flow.getRevision(), flow.isDeleted(), source, false));
        } catch (JsonProcessingException e) {
            return parsed; // which would have told what is wrong
        }
    }

    @SuppressWarnings("unchecked")
    private static void complete(Object value) {
        if (value instanceof Collection<?> items) {
            items.forEach(LocalScripts::complete);
        } else if (value instanceof Map<?, ?> map) {
            map.values().forEach(LocalScripts::complete);
            if (map.get("type") instanceof String type && type.startsWith(SCRIPTS)) {
                ((Map<String, Object>) map).putIfAbsent("taskRunner", PROCESS);
            }
        }
    }
}
