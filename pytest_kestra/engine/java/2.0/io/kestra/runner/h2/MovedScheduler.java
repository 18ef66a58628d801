package io.kestra.runner.h2;

import io.kestra.core.exceptions.FlowBlockedException;
import io.kestra.core.metrics.MetricRegistry;
import io.kestra.core.models.conditions.ConditionContext;
import io.kestra.core.models.flows.FlowId;
import io.kestra.core.models.flows.FlowWithSource;
import io.kestra.core.models.triggers.AbstractTrigger;
import io.kestra.core.models.triggers.Schedulable;
import io.kestra.core.runners.RunContextFactory;
import io.kestra.core.scheduler.SchedulerConfiguration;
import io.kestra.core.scheduler.model.TriggerState;
import io.kestra.core.scheduler.service.TriggerExecutionPublisher;
import io.kestra.core.scheduler.store.TriggerStateStore;
import io.kestra.core.services.ConditionService;
import io.kestra.core.services.FlowParsingService;
import io.kestra.scheduler.TriggerScheduler;
import io.kestra.scheduler.internals.NextEvaluationDate;
import io.kestra.scheduler.internals.SchedulableEvaluator;
import io.kestra.scheduler.internals.TriggerFlowParser;
import io.kestra.scheduler.pubsub.TriggerWorkerJobPublisher;
import io.kestra.scheduler.stores.FlowMetaStore;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Kestra's scheduler, which also looks at what is due by the clocks of tests that have moved theirs. */
public final class MovedScheduler extends TriggerScheduler {
    private static final Logger LOG = LoggerFactory.getLogger(MovedScheduler.class);
    /** How many times one look goes on: what is still due then is so in the next. */
    private static final int MOST = 100;
    private static final String COMMANDS = "execution_command";

    /** Held for reading by each loop as long as it looks: it saves the state of a trigger before it sends what it starts. */
    private final ReentrantReadWriteLock looking = new ReentrantReadWriteLock();
    private final TriggerStateStore states;
    private final FlowMetaStore flows;
    private final RunContextFactory runContexts;
    private final ConditionService conditions;
    private final FlowParsingService parsing;
    private final MovedTriggers triggers;
    private final SchedulerConfiguration configuration;

    MovedScheduler(TriggerStateStore states, FlowMetaStore flows, MetricRegistry metrics, RunContextFactory runContexts,
        ConditionService conditions, FlowParsingService parsing, SchedulableEvaluator evaluator, MovedTriggers triggers,
        TriggerWorkerJobPublisher jobs, TriggerExecutionPublisher executions, SchedulerConfiguration configuration) {
        super(states, flows, metrics, runContexts, conditions, parsing, evaluator, triggers, jobs, executions, configuration);
        this.states = states;
        this.flows = flows;
        this.runContexts = runContexts;
        this.conditions = conditions;
        this.parsing = parsing;
        this.triggers = triggers;
        this.configuration = configuration;
    }

    @Override
    public void onSchedule(Clock clock, Instant now, Set<Integer> vNodes) {
        look(clock, now, vNodes);
        MovedClock.tests().forEach(test -> catchUp(clock, test, vNodes));
    }

    /** Fires what is due for a test; a trigger that waits for its execution goes on when that has ended. */
    void catchUp(Clock clock, String test, Set<Integer> vNodes) {
        MovedClock.in(test, () -> {
            int looks = 0;
            do {
                look(clock, clock.instant(), vNodes);
            } while (triggers.found() && ++looks < MOST);
        });
    }

    /** Returns when the executions that were started before are created. */
    public void settle() {
        looking.writeLock().lock();
        looking.writeLock().unlock();
        WakingQueues.channel(COMMANDS).awaitDelivery();
    }

    private void look(Clock clock, Instant now, Set<Integer> vNodes) {
        looking.readLock().lock();
        try {
            super.onSchedule(clock, now, vNodes);
        } finally {
            looking.readLock().unlock();
        }
    }

    /** Moves the clock of a test; where it goes back, its schedules begin anew from there. */
    public void move(Clock clock, String test, Duration offset, boolean back) {
        MovedClock.move(test, offset);
        if (back) {
            Set<Integer> all = IntStream.range(0, configuration.vnodes()).boxed().collect(Collectors.toSet());
            MovedClock.in(test, () -> states.findAllForVNodes(all).stream()
                .filter(state -> test.equals(MovedClock.testOf(state.getNamespace())))
                .forEach(state -> begin(clock, state)));
        }
    }

    private void begin(Clock clock, TriggerState state) {
        FlowId id = FlowId.of(state.getTenantId(), state.getNamespace(), state.getFlowId(), null);
        FlowWithSource flow = flows.find(id).orElse(null);
        try {
            flow = flow == null ? null : TriggerFlowParser.parseForTrigger(parsing, flow, LOG);
        } catch (FlowBlockedException e) {
            return; // the scheduler leaves it out, too
        }
        if (flow == null || flow.getTriggers() == null) {
            return;
        }
        for (AbstractTrigger trigger : flow.getTriggers()) {
            if (trigger.getId().equals(state.getTriggerId()) && trigger instanceof Schedulable) {
                ConditionContext context = conditions.conditionContext(runContexts.of(flow, trigger), flow, null);
                states.save(state.updateForNextEvaluationDate(clock, NextEvaluationDate.get(clock, trigger, null, context)));
            }
        }
    }
}
