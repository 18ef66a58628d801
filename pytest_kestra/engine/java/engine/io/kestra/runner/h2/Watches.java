package io.kestra.runner.h2;

import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.LogEntry;

import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Tells one reader what happens to the executions that are watched.
 *
 * A thread of Python reads all events, so that thousands can wait for an execution without a thread for each, and Kestra's
 * own threads never run Python.
 */
public final class Watches {
    /** What happened, and the name of the watch that asked for it. */
    public record Event(String watch, Object message) {
    }

    private static final BlockingQueue<Event> EVENTS = new LinkedBlockingQueue<>();
    /** By the name of the watch, the execution that is watched. */
    private static final Map<String, String> EXECUTIONS = new ConcurrentHashMap<>();
    private static final Map<String, String> LOGS = new ConcurrentHashMap<>();

    private Watches() {
    }

    /** Tells the completion of a future. */
    public static void onCompletion(String watch, CompletableFuture<?> future) {
        future.thenAccept(value -> EVENTS.add(new Event(watch, value)));
    }

    /** Tells every state of an execution that the executor has dealt with. */
    public static void onExecution(String watch, String executionId) {
        EXECUTIONS.put(watch, executionId);
    }

    /** Tells every log entry of an execution that can be read. */
    public static void onLogs(String watch, String executionId) {
        LOGS.put(watch, executionId);
    }

    /** Ends a watch. */
    public static void forget(String watch) {
        EXECUTIONS.remove(watch);
        LOGS.remove(watch);
    }

    /** Waits for the next event and returns it. */
    public static Event take() throws InterruptedException {
        return EVENTS.take();
    }

    static void happened(Object message) {
        if (message instanceof Execution execution) {
            tell(EXECUTIONS, execution.getId(), execution);
        } else if (message instanceof LogEntry entry) {
            tell(LOGS, entry.getExecutionId(), entry);
        }
    }

    private static void tell(Map<String, String> watches, String executionId, Object message) {
        watches.forEach((watch, watched) -> {
            if (watched.equals(executionId)) {
                EVENTS.add(new Event(watch, message));
            }
        });
    }
}
