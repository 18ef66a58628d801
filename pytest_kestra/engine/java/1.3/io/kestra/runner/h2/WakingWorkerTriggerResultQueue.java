package io.kestra.runner.h2;

import io.kestra.core.exceptions.DeserializationException;
import io.kestra.core.runners.WorkerTriggerResult;
import io.kestra.core.utils.Either;
import io.kestra.jdbc.JdbcWorkerTriggerResultQueueService;
import io.micronaut.context.ApplicationContext;

import java.io.IOException;
import java.util.function.Consumer;

/** The queue of the triggers' results: Kestra's service forgets the trigger jobs that have ended. */
public class WakingWorkerTriggerResultQueue extends WakingQueue<WorkerTriggerResult> {
    private final JdbcWorkerTriggerResultQueueService ended;

    public WakingWorkerTriggerResultQueue(ApplicationContext context) {
        super(WorkerTriggerResult.class, context);
        this.ended = context.getBean(JdbcWorkerTriggerResultQueueService.class);
    }

    @Override
    public Runnable receive(String group, Class<?> type, Consumer<Either<WorkerTriggerResult, DeserializationException>> results) {
        return ended.receive(this, group, type, results);
    }

    @Override
    public void close() throws IOException {
        super.close();
        ended.close();
    }
}
