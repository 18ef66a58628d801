package io.kestra.runner.h2;

import io.kestra.core.services.FlowService;
import io.kestra.jdbc.repository.JdbcFlowRepositoryService;

import java.lang.reflect.Field;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells when the flows that were stored are known to the executor and the scheduler.
 *
 * These hear of a flow some time after it was stored, the later the more flows there are. An execution that ends before
 * does not trigger the flow that waits for it.
 */
public final class KnownFlows {
    private static final Logger LOG = LoggerFactory.getLogger(KnownFlows.class);
    private static final String FLOWS = "flow_interface";
    private static final String TRIGGERS = "trigger_event";
    /** Works on what flows depend on each other, one after the other. */
    private static final ExecutorService TOPOLOGIES = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(() -> {
            JdbcFlowRepositoryService.onlyExisting();
            task.run();
        }, "topologies");
        thread.setDaemon(true);
        return thread;
    });

    private static volatile WakingQueues queues;

    private KnownFlows() {
    }

    /** Lets it be known what the queues are, and when Kestra's service has done what it does in its own threads. */
    static void install(WakingQueues used, FlowService flows) throws ReflectiveOperationException {
        queues = used;
        Field threads = FlowService.class.getDeclaredField("executorService");
        threads.setAccessible(true);
        ((ExecutorService) threads.get(flows)).shutdown();
        threads.set(flows, TOPOLOGIES);
    }

    /** Returns when all flows that were stored before are known. */
    public static void settle() {
        try {
            WakingQueues.channel(FLOWS).awaitReaders(() -> queues.fetchMaxOffset(FLOWS));
            WakingQueues.channel(TRIGGERS).awaitDelivery();
        } catch (IllegalStateException e) {
            LOG.warn("Not all flows are known", e);
        }
    }

    /** Returns when it is known of all flows that were stored before on which others they depend. */
    public static void settleTopologies() {
        settle();
        try {
            TOPOLOGIES.submit(() -> { }).get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            LOG.warn("Not all dependencies of flows are known", e);
        }
    }
}
