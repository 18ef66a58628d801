package io.kestra.runner.h2;

import io.kestra.core.executor.command.ExecutionCommand;
import io.kestra.core.models.triggers.TriggerEvaluationResult;
import io.kestra.core.models.triggers.TriggerId;
import io.kestra.core.queues.DispatchQueueInterface;
import io.kestra.core.runners.RunContextLoggerFactory;
import io.kestra.core.scheduler.service.DefaultTriggerExecutionPublisher;

import java.time.Instant;

/** What schedules start; the executor, whose clock is not moved, would let that of a date to come wait for it. */
final class MovedExecutions extends DefaultTriggerExecutionPublisher {
    MovedExecutions(DispatchQueueInterface<ExecutionCommand> commands, RunContextLoggerFactory loggers) {
        super(commands, loggers);
    }

    @Override
    public void send(TriggerId trigger, TriggerEvaluationResult evaluation) {
        boolean later = evaluation.scheduleDate() != null && evaluation.scheduleDate().isAfter(Instant.now());
        super.send(trigger, MovedClock.current() != null && later ? evaluation.withScheduleDate(Instant.now()) : evaluation);
    }
}
