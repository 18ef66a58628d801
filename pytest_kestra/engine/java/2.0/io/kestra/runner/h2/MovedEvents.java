package io.kestra.runner.h2;

import io.kestra.core.async.AsyncOperationService;
import io.kestra.core.models.executions.ExecutionKilled;
import io.kestra.core.queues.BroadcastQueueInterface;
import io.kestra.core.runners.RunContextFactory;
import io.kestra.core.scheduler.events.TriggerEvent;
import io.kestra.core.scheduler.service.TriggerExecutionPublisher;
import io.kestra.core.scheduler.store.TriggerStateStore;
import io.kestra.core.services.ConditionService;
import io.kestra.scheduler.TriggerEventHandler;
import io.kestra.scheduler.stores.FlowMetaStore;

import java.time.Clock;
import java.util.Set;

/** What happens to triggers; that it does in a test with a clock of its own lets the scheduler look at what is due there. */
final class MovedEvents extends TriggerEventHandler {
    private final MovedScheduler scheduler;

    MovedEvents(MovedScheduler scheduler, TriggerStateStore states, FlowMetaStore flows, TriggerExecutionPublisher executions,
        RunContextFactory runContexts, ConditionService conditions, BroadcastQueueInterface<ExecutionKilled> kills,
        AsyncOperationService operations) {
        super(states, flows, executions, runContexts, conditions, kills, operations);
        this.scheduler = scheduler;
    }

    @Override
    public void handle(Clock clock, Integer vNode, TriggerEvent event) {
        String test = MovedClock.testOf(event.id().getNamespace());
        if (test == null) {
            super.handle(clock, vNode, event);
            return;
        }
        MovedClock.in(test, () -> super.handle(clock, vNode, event));
        scheduler.catchUp(clock, test, Set.of(vNode));
    }
}
