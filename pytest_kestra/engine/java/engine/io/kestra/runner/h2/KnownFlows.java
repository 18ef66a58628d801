package io.kestra.runner.h2;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Tells when the flows that were stored are known to the executor and the scheduler.
 *
 * These hear of a flow some time after it was stored, the later the more flows there are. An execution that ends before
 * does not trigger the flow that waits for it.
 */
public final class KnownFlows {
    private static final Logger LOG = LoggerFactory.getLogger(KnownFlows.class);
    private static final Set<Deliveries> LISTENERS = ConcurrentHashMap.newKeySet();

    private KnownFlows() {
    }

    static void watch(Deliveries listener) {
        LISTENERS.add(listener);
    }

    /** Returns when all flows that were stored before are known. */
    public static void settle() {
        for (Deliveries listener : LISTENERS) {
            try {
                listener.await();
            } catch (IllegalStateException e) {
                LOG.warn("An execution starts though not all flows are known", e);
                listener.forget();
            }
        }
    }
}
