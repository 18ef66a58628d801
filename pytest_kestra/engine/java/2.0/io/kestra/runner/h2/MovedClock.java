package io.kestra.runner.h2;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The scheduler's clock, which a test moves for the flows of its own namespaces only.
 *
 * A test's namespaces are told by how their names end. While a thread works for them, the time is theirs.
 */
public final class MovedClock extends Clock {
    private static final Map<String, Duration> OFFSETS = new ConcurrentHashMap<>();
    private static final ThreadLocal<String> TEST = new ThreadLocal<>();

    private final ZoneId zone;

    MovedClock(ZoneId zone) {
        this.zone = zone;
    }

    /** Sets how far the time of a test is from that of everybody else. */
    public static void move(String test, Duration offset) {
        OFFSETS.put(test, offset);
    }

    /** Gives a test the time of everybody else. */
    public static void forget(String test) {
        OFFSETS.remove(test);
    }

    static Set<String> tests() {
        return OFFSETS.keySet();
    }

    /** Returns the test of a namespace; null where its time is that of everybody. */
    static String testOf(String namespace) {
        for (String test : OFFSETS.keySet()) {
            if (namespace.equals(test) || namespace.endsWith("." + test) || namespace.endsWith("-" + test)) {
                return test;
            }
        }
        return null;
    }

    /** Returns the test for which this thread works; null where it is none. */
    static String current() {
        return TEST.get();
    }

    static void in(String test, Runnable work) {
        TEST.set(test);
        try {
            work.run();
        } finally {
            TEST.remove();
        }
    }

    @Override
    public Instant instant() {
        String test = TEST.get();
        Duration offset = test == null ? null : OFFSETS.get(test);
        return offset == null ? Instant.now() : Instant.now().plus(offset);
    }

    @Override
    public ZoneId getZone() {
        return zone;
    }

    @Override
    public Clock withZone(ZoneId other) {
        return new MovedClock(other);
    }
}
