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
    private static final Set<Deliveries> TOPOLOGIES = ConcurrentHashMap.newKeySet();

    private KnownFlows() {
    }

    static void watch(Deliveries listener) {
        LISTENERS.add(listener);
    }

    static void watchTopologies(Deliveries topologies) {
        TOPOLOGIES.add(topologies);
    }

    /** Returns when all flows that were stored before are known. */
    public static void settle() {
        settle(LISTENERS);
    }

    /** Returns when it is known of all flows that were stored before on which others they depend. */
    public static void settleTopologies() {
        settle(LISTENERS);
        settle(TOPOLOGIES);
    }

    private static void settle(Set<Deliveries> listeners) {
        for (Deliveries listener : listeners) {
            try {
                listener.await();
            } catch (IllegalStateException e) {
                LOG.warn("Not all flows are known", e);
                listener.forget();
            }
        }
    }
}
