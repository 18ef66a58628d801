package io.kestra.runner.h2;

import io.kestra.core.models.flows.Flow;
import io.kestra.core.services.ExecutionService;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Tells who waits for an execution that it has ended.
 *
 * The moment is after the executor has dealt with its end: its slot of the concurrency limit is free again, its parent
 * and the flow triggers know, its afterExecution tasks have run.
 */
public final class ExecutionEnds {
    private static final Map<String, CompletableFuture<String>> WAITS = new ConcurrentHashMap<>();

    private ExecutionEnds() {
    }

    /** Returns a future that completes with the execution's id; ask before the execution is emitted. */
    public static CompletableFuture<String> of(String executionId, Flow flow, ExecutionService service) {
        return WAITS.computeIfAbsent(executionId, id -> new CompletableFuture<>());
    }

    /** Forgets an execution that nobody waits for any more. */
    public static void forget(String executionId) {
        WAITS.remove(executionId);
    }

    static void ended(String executionId) {
        CompletableFuture<String> wait = WAITS.remove(executionId);
        if (wait != null) {
            wait.complete(executionId);
        }
    }
}
