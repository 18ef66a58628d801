package io.kestra.runner.h2;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.services.ExecutionService;
import io.kestra.core.utils.ListUtils;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Tells who waits for an execution that it has ended.
 *
 * The moment is after the executor has dealt with the execution's last message: its slot of the concurrency limit is
 * free again, its parent and the flow triggers know, its afterExecution tasks have run.
 */
public final class ExecutionEnds {
    private record Wait(Flow flow, ExecutionService service, CompletableFuture<String> end) {
        /** Of a killed execution nothing runs any more, but Kestra may leave task runs around a Pause as they were. */
        boolean hasEnded(Execution execution) {
            return service.isTerminated(flow, execution) && (execution.getState().getCurrent().isKilled()
                || ListUtils.emptyOnNull(execution.getTaskRunList()).stream().allMatch(run -> run.getState().isTerminated()));
        }
    }

    private static final Map<String, Wait> WAITS = new ConcurrentHashMap<>();

    private ExecutionEnds() {
    }

    /** Returns a future that completes with the execution's id; ask before the execution is emitted. */
    public static CompletableFuture<String> of(String executionId, Flow flow, ExecutionService service) {
        return WAITS.computeIfAbsent(executionId, id -> new Wait(flow, service, new CompletableFuture<>())).end();
    }

    /** Forgets an execution that nobody waits for any more. */
    public static void forget(String executionId) {
        WAITS.remove(executionId);
    }

    static void processed(Execution execution) {
        Wait wait = WAITS.get(execution.getId());
        if (wait != null && wait.hasEnded(execution)) {
            WAITS.remove(execution.getId());
            wait.end().complete(execution.getId());
        }
    }
}
