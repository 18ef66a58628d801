package io.kestra.runner.h2;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.TaskRun;
import io.kestra.core.models.flows.Flow;
import io.kestra.core.services.ExecutionService;
import io.kestra.core.utils.ListUtils;

import java.util.List;
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
        boolean hasEnded(Execution execution) {
            List<TaskRun> runs = ListUtils.emptyOnNull(execution.getTaskRunList());
            return service.isTerminated(flow, execution) && runs.stream().allMatch(run -> run.getState().isTerminated()
                || execution.getState().getCurrent().isKilled() && isLeft(run, runs));
        }

        /** Where the execution was killed in a Pause, Kestra leaves the task runs around it as they were. */
        private static boolean isLeft(TaskRun run, List<TaskRun> runs) {
            return run.getState().isCreated() || runs.stream().anyMatch(other -> run.getId().equals(other.getParentTaskRunId()));
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
