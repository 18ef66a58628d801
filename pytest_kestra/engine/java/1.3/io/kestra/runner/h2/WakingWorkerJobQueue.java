package io.kestra.runner.h2;

import io.kestra.core.exceptions.DeserializationException;
import io.kestra.core.queues.WorkerJobQueueInterface;
import io.kestra.core.runners.WorkerJob;
import io.kestra.core.utils.Either;
import io.kestra.jdbc.JdbcWorkerJobQueueService;
import io.micronaut.context.ApplicationContext;

import java.io.IOException;
import java.util.function.Consumer;

/** The queue of the worker's jobs: Kestra's service notes which of them run. */
public class WakingWorkerJobQueue extends WakingQueue<WorkerJob> implements WorkerJobQueueInterface {
    private final JdbcWorkerJobQueueService running;

    public WakingWorkerJobQueue(ApplicationContext context) {
        super(WorkerJob.class, context);
        this.running = context.getBean(JdbcWorkerJobQueueService.class);
    }

    @Override
    public Runnable subscribe(String workerId, String workerGroup, Consumer<Either<WorkerJob, DeserializationException>> jobs) {
        return running.subscribe(this, workerId, workerGroup, jobs);
    }

    @Override
    public void close() throws IOException {
        super.close();
        running.close();
    }
}
