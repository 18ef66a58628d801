package io.kestra.runner.h2;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Emits what need not be waited for, such as logs, in the order it came, and tells when it can be read.
 *
 * Kestra emits them in pools of threads, and its indexer writes them into their tables later still, so nobody can say
 * when the logs of an execution are complete.
 */
public final class LateEmits {
    interface Emit {
        void run() throws Exception;
    }

    private static final Logger LOG = LoggerFactory.getLogger(LateEmits.class);
    private static final List<String> INDEXED = List.of("log_entry", "metric_entry");
    private static final ExecutorService EXECUTOR = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "late-emits");
        thread.setDaemon(true);
        return thread;
    });

    private LateEmits() {
    }

    static CompletableFuture<Void> submit(Emit emit) {
        return CompletableFuture.runAsync(() -> {
            try {
                emit.run();
            } catch (Exception e) {
                LOG.error("A message was not stored", e);
            }
        }, EXECUTOR);
    }

    /** Returns when the logs and metrics that were emitted before are in their tables. */
    public static void settle() {
        submit(() -> { }).join();
        INDEXED.forEach(queue -> WakingQueues.channel(queue).awaitDelivery());
    }
}
