package io.kestra.runner.h2;

import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.queues.DispatchQueueInterface;
import io.kestra.core.runners.LogEntryEmitter;

import java.util.List;
import java.util.concurrent.CompletionStage;

/** Emits log entries in the order they come; nobody follows them but {@link Watches}. */
final class OrderedLogs implements LogEntryEmitter {
    private final DispatchQueueInterface<LogEntry> queue;

    OrderedLogs(DispatchQueueInterface<LogEntry> queue) {
        this.queue = queue;
    }

    @Override
    public CompletionStage<Void> emits(LogEntry entry) {
        return emits(List.of(entry));
    }

    @Override
    public CompletionStage<Void> emits(List<LogEntry> entries) {
        return LateEmits.submit(() -> {
            queue.emit(entries);
            entries.forEach(Watches::happened);
        });
    }
}
