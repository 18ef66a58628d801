package io.kestra.runner.h2;

import io.kestra.core.runners.RunContextFactory;
import io.kestra.core.scheduler.store.TriggerStateStore;
import io.kestra.core.services.FlowParsingService;
import io.kestra.scheduler.internals.DefaultSchedulableTriggerFetcher;
import io.kestra.scheduler.models.TriggerEvaluationContext;
import io.kestra.scheduler.stores.FlowMetaStore;

import java.time.Clock;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/** The triggers that are due: those of the test for which the scheduler works, or those of all whose time is not moved. */
final class MovedTriggers extends DefaultSchedulableTriggerFetcher {
    /** Whether any were due when this thread has asked last: there are several loops. */
    private final ThreadLocal<Boolean> found = ThreadLocal.withInitial(() -> false);

    MovedTriggers(RunContextFactory runContexts, TriggerStateStore states, FlowMetaStore flows, FlowParsingService parsing) {
        super(runContexts, states, flows, parsing);
    }

    @Override
    public List<TriggerEvaluationContext> getSchedulableTriggers(Clock clock, ZonedDateTime now, Set<Integer> vNodes) {
        String test = MovedClock.current();
        List<TriggerEvaluationContext> due = super.getSchedulableTriggers(clock, now, vNodes).stream()
            .filter(context -> Objects.equals(MovedClock.testOf(context.triggerState().getNamespace()), test))
            .toList();
        found.set(!due.isEmpty());
        return due;
    }

    boolean found() {
        return found.get();
    }
}
