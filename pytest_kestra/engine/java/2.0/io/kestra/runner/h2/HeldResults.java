package io.kestra.runner.h2;

import io.kestra.core.runners.Worker;
import io.kestra.core.runners.WorkerJob;
import io.kestra.core.runners.WorkerTask;
import io.kestra.core.runners.WorkerTaskResult;
import io.kestra.core.worker.models.WorkerContext;
import io.kestra.plugin.core.flow.WorkingDirectory;
import io.kestra.worker.AbstractWorker;
import io.kestra.worker.WorkerJobExecutor;
import io.kestra.worker.processors.WorkerJobProcessor;
import io.kestra.worker.processors.WorkerJobProcessorFactory;
import io.kestra.worker.queues.WorkerQueue;

import java.lang.reflect.Field;
import java.time.Duration;
import java.util.List;

/**
 * Holds back the result of a task in a WorkingDirectory until its worker thread goes on or is done.
 *
 * Kestra's worker tells the last result first and stores the directory's output files after it: whoever reads the result
 * at once, as our queues let the executor do, finds no files.
 */
final class HeldResults {
    /** What the worker thread holds back that is in a WorkingDirectory; no other thread has one. */
    private static final ThreadLocal<Held> HELD = new ThreadLocal<>();

    private HeldResults() {
    }

    /** Lets the threads of a worker hold results back. */
    static void install(Worker worker) throws ReflectiveOperationException {
        Object executor = field(AbstractWorker.class, "workerJobExecutor").get(worker);
        Field factory = field(WorkerJobExecutor.class, "workerJobProcessorFactory");
        factory.set(executor, new Factory((WorkerJobProcessorFactory) factory.get(executor)));
    }

    private static Field field(Class<?> type, String name) throws NoSuchFieldException {
        Field field = type.getDeclaredField(name);
        field.setAccessible(true);
        return field;
    }

    /** The result that is held back, and where it goes. */
    private static final class Held {
        private Runnable put;

        void hold(Runnable put) {
            this.put = put;
        }

        void release() {
            Runnable held = put;
            put = null;
            if (held != null) {
                held.run();
            }
        }
    }

    /** Kestra's processors, but for those of a WorkingDirectory. */
    private static final class Factory extends WorkerJobProcessorFactory {
        private final WorkerJobProcessorFactory kestras;

        Factory(WorkerJobProcessorFactory kestras) {
            this.kestras = kestras;
        }

        @Override
        public <T extends WorkerJob> WorkerJobProcessor<T> create(WorkerContext context, T job) {
            WorkerJobProcessor<T> processor = kestras.create(context, job);
            boolean holds = job instanceof WorkerTask task && task.getTask() instanceof WorkingDirectory;
            return holds ? new Processor<>(processor) : processor;
        }
    }

    /** A processor that tells, at its end, what its thread holds back. */
    private record Processor<T extends WorkerJob>(WorkerJobProcessor<T> kestras) implements WorkerJobProcessor<T> {
        @Override
        public void process(T job) {
            Held held = new Held();
            HELD.set(held);
            try {
                kestras.process(job);
            } finally {
                HELD.remove();
                held.release();
            }
        }

        @Override
        public void stop() {
            kestras.stop();
        }

        @Override
        public void kill() {
            kestras.kill();
        }

        @Override
        public void signalShutdownInterrupt() {
            kestras.signalShutdownInterrupt();
        }
    }

    /** A queue of results that holds back the last one of each task. */
    record Queue(WorkerQueue<WorkerTaskResult> kestras) implements WorkerQueue<WorkerTaskResult> {
        @Override
        public void put(WorkerTaskResult result) {
            Held held = HELD.get();
            if (held == null) {
                kestras.put(result);
                return;
            }
            held.release();
            if (result.getTaskRun().getState().isTerminated()) {
                held.hold(() -> kestras.put(result));
            } else {
                kestras.put(result);
            }
        }

        @Override
        public WorkerTaskResult poll(Duration timeout) throws InterruptedException {
            return kestras.poll(timeout);
        }

        @Override
        public List<WorkerTaskResult> poll(int most, Duration timeout) throws InterruptedException {
            return kestras.poll(most, timeout);
        }

        @Override
        public int size() {
            return kestras.size();
        }

        @Override
        public int capacity() {
            return kestras.capacity();
        }

        @Override
        public int remainingCapacity() {
            return kestras.remainingCapacity();
        }
    }
}
