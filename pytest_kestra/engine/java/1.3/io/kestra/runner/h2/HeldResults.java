package io.kestra.runner.h2;

import io.kestra.core.runners.WorkerTask;
import io.kestra.core.runners.WorkerTaskResult;
import io.kestra.plugin.core.flow.WorkingDirectory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.lang.reflect.Field;
import java.util.List;
import java.util.Set;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Holds back the result of a task in a WorkingDirectory until its worker thread goes on or is done.
 *
 * Kestra's worker emits the last result first and stores the directory's output files after it: whoever reads the result
 * at once, as our queue lets the executor do, finds no files.
 */
public final class HeldResults {
    interface Emit {
        void run() throws Exception;
    }

    private static final Logger LOG = LoggerFactory.getLogger(HeldResults.class);
    /** The ids of the task runs of WorkingDirectory tasks that are with the worker. */
    private static final Set<String> DIRECTORIES = ConcurrentHashMap.newKeySet();
    private static final ThreadLocal<Boolean> IN_WORKER = ThreadLocal.withInitial(() -> false);
    private static final ThreadLocal<Emit> HELD = new ThreadLocal<>();
    private static final ThreadLocal<String> DIRECTORY = new ThreadLocal<>();

    private HeldResults() {
    }

    /** Lets the threads of a worker hold results back. */
    public static void install(Object worker) throws ReflectiveOperationException {
        Field field = null;
        for (Class<?> type = worker.getClass(); field == null; type = type.getSuperclass()) {
            field = List.of(type.getDeclaredFields()).stream()
                .filter(candidate -> candidate.getType() == ExecutorService.class)
                .findFirst()
                .orElse(null);
        }
        field.setAccessible(true);
        field.set(worker, new Holding((ExecutorService) field.get(worker)));
    }

    /** Notes what is given to the worker. */
    static void given(Object message) {
        if (message instanceof WorkerTask job && job.getTask() instanceof WorkingDirectory) {
            DIRECTORIES.add(job.getTaskRun().getId());
        }
    }

    /** Tells whether a message is to be held back; what this thread has held back before is emitted now. */
    static boolean wants(Object message) {
        if (!(message instanceof WorkerTaskResult result) || !IN_WORKER.get()) {
            return false;
        }
        release();
        String parent = result.getTaskRun().getParentTaskRunId();
        return parent != null && DIRECTORIES.contains(parent) && result.getTaskRun().getState().isTerminated();
    }

    /** Holds back the emission of a result that is wanted. */
    static void hold(Object message, Emit emit) {
        HELD.set(emit);
        DIRECTORY.set(((WorkerTaskResult) message).getTaskRun().getParentTaskRunId());
    }

    private static void release() {
        Emit emit = HELD.get();
        if (emit != null) {
            HELD.remove();
            try {
                emit.run();
            } catch (Exception e) {
                LOG.error("The result of a task was not stored", e);
            }
        }
    }

    private static void done() {
        IN_WORKER.set(false);
        if (DIRECTORY.get() != null) {
            DIRECTORIES.remove(DIRECTORY.get());
            DIRECTORY.remove();
        }
    }

    /** An executor whose tasks release, at their end, what they hold. */
    private static final class Holding extends AbstractExecutorService {
        private final ExecutorService threads;

        Holding(ExecutorService threads) {
            this.threads = threads;
        }

        @Override
        public void execute(Runnable task) {
            threads.execute(() -> {
                IN_WORKER.set(true);
                try {
                    task.run();
                } finally {
                    release();
                    done();
                }
            });
        }

        @Override
        public void shutdown() {
            threads.shutdown();
        }

        @Override
        public List<Runnable> shutdownNow() {
            return threads.shutdownNow();
        }

        @Override
        public boolean isShutdown() {
            return threads.isShutdown();
        }

        @Override
        public boolean isTerminated() {
            return threads.isTerminated();
        }

        @Override
        public boolean awaitTermination(long timeout, TimeUnit unit) throws InterruptedException {
            return threads.awaitTermination(timeout, unit);
        }
    }
}
