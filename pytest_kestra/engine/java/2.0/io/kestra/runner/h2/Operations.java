package io.kestra.runner.h2;

import io.kestra.core.async.AsyncOperationProcessedEvent;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/** Tells who has sent a command to the executor that it is processed, and what it has made can be read. */
public final class Operations {
    private static final Map<String, CompletableFuture<AsyncOperationProcessedEvent>> WAITS = new ConcurrentHashMap<>();

    private Operations() {
    }

    /** Returns a future that completes when a command with the id of this operation is processed; ask before it is sent. */
    public static CompletableFuture<AsyncOperationProcessedEvent> of(String operationId) {
        return WAITS.computeIfAbsent(operationId, id -> new CompletableFuture<>());
    }

    /** Forgets an operation that nobody waits for any more. */
    public static void forget(String operationId) {
        WAITS.remove(operationId);
    }

    static void processed(AsyncOperationProcessedEvent event) {
        CompletableFuture<AsyncOperationProcessedEvent> wait = WAITS.remove(event.operationId());
        if (wait != null) {
            wait.complete(event);
        }
    }
}
