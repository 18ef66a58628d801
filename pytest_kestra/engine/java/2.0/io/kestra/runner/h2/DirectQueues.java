package io.kestra.runner.h2;

import io.kestra.core.metrics.MetricRegistry;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.executions.MetricEntry;
import io.kestra.core.queues.DispatchQueueInterface;
import io.kestra.core.runners.LogEntryEmitter;
import io.kestra.core.runners.WorkerTaskResult;
import io.kestra.core.worker.models.WorkerContext;
import io.kestra.worker.queues.WorkerQueue;
import io.kestra.worker.queues.WorkerQueueRegistry;

import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/**
 * Gives a worker the queues in memory that it tells its results by; those of logs and metrics lead on at once.
 *
 * Kestra's lie in memory until a thread has sent them, and nobody can say when it has sent all.
 */
final class DirectQueues extends WorkerQueueRegistry {
    private final LogEntryEmitter logs;
    private final DispatchQueueInterface<MetricEntry> metrics;

    DirectQueues(MetricRegistry registry, LogEntryEmitter logs, DispatchQueueInterface<MetricEntry> metrics) {
        super(registry);
        this.logs = logs;
        this.metrics = metrics;
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T> WorkerQueue<T> getOrCreate(WorkerContext context, Class<T> type) {
        if (type == LogEntry.class) {
            return (WorkerQueue<T>) new Direct<LogEntry>(logs::emits);
        } else if (type == MetricEntry.class) {
            return (WorkerQueue<T>) new Direct<MetricEntry>(metric -> LateEmits.submit(() -> metrics.emit(metric)));
        } else if (type == WorkerTaskResult.class) {
            return (WorkerQueue<T>) new HeldResults.Queue(super.getOrCreate(context, WorkerTaskResult.class));
        }
        return super.getOrCreate(context, type);
    }

    /** A queue that is always empty. */
    private record Direct<T>(Consumer<T> next) implements WorkerQueue<T> {
        @Override
        public void put(T message) {
            next.accept(message);
        }

        @Override
        public T poll(Duration timeout) throws InterruptedException {
            Thread.sleep(timeout);
            return null;
        }

        @Override
        public List<T> poll(int most, Duration timeout) throws InterruptedException {
            Thread.sleep(timeout);
            return List.of();
        }

        @Override
        public int size() {
            return 0;
        }

        @Override
        public int capacity() {
            return Integer.MAX_VALUE;
        }

        @Override
        public int remainingCapacity() {
            return Integer.MAX_VALUE;
        }
    }
}
