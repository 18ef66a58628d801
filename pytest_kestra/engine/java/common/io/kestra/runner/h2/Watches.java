package io.kestra.runner.h2;

import io.kestra.core.models.Label;
import io.kestra.core.models.executions.Execution;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.utils.ListUtils;

import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Predicate;

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
    private static final Map<String, Predicate<Object>> WATCHES = new ConcurrentHashMap<>();

    private Watches() {
    }

    /** Tells the completion of a future. */
    public static void onCompletion(String watch, CompletableFuture<?> future) {
        future.thenAccept(value -> EVENTS.add(new Event(watch, value)));
    }

    /** Tells every state of an execution that the executor has dealt with. */
    public static void onExecution(String watch, String executionId) {
        WATCHES.put(watch, message -> message instanceof Execution execution && execution.getId().equals(executionId));
    }

    /** Tells every state of all executions that belong together, such as those of subflows. */
    public static void onCorrelation(String watch, String correlationId) {
        Label wanted = new Label(Label.CORRELATION_ID, correlationId);
        WATCHES.put(watch, message -> message instanceof Execution execution
            && ListUtils.emptyOnNull(execution.getLabels()).contains(wanted));
    }

    /** Tells every log entry of an execution that can be read. */
    public static void onLogs(String watch, String executionId) {
        WATCHES.put(watch, message -> message instanceof LogEntry entry && executionId.equals(entry.getExecutionId()));
    }

    /** Ends a watch. */
    public static void forget(String watch) {
        WATCHES.remove(watch);
    }

    /** Waits for the next event and returns it. */
    public static Event take() throws InterruptedException {
        return EVENTS.take();
    }

    static boolean isEmpty() {
        return WATCHES.isEmpty();
    }

    static void happened(Object message) {
        WATCHES.forEach((watch, wanted) -> {
            if (wanted.test(message)) {
                EVENTS.add(new Event(watch, message));
            }
        });
    }
}
