package io.kestra.runner.h2;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Emits what need not be waited for, such as logs, in the order it came, and tells when it can be read.
 *
 * Kestra emits them in a pool of threads, and its indexer writes them into their tables later still, so nobody can say
 * when the logs of an execution are complete.
 */
public final class LateEmits {
    interface Emit {
        void run() throws Exception;
    }

    private static final Logger LOG = LoggerFactory.getLogger(LateEmits.class);
    private static final ExecutorService EXECUTOR = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "late-emits");
        thread.setDaemon(true);
        return thread;
    });

    private static final Set<Deliveries> INDEXED = ConcurrentHashMap.newKeySet();

    private LateEmits() {
    }

    static void submit(Emit emit) {
        EXECUTOR.execute(() -> {
            try {
                emit.run();
            } catch (Exception e) {
                LOG.error("A message was not stored", e);
            }
        });
    }

    /** Counts on the messages of a queue that the indexer reads. */
    static void watch(Deliveries deliveries) {
        INDEXED.add(deliveries);
    }

    /** Returns when the logs and metrics that were emitted before are in their tables. */
    public static void settle() {
        CompletableFuture.runAsync(() -> { }, EXECUTOR).join();
        INDEXED.forEach(Deliveries::await);
    }
}
