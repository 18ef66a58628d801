package io.kestra.runner.h2;

import io.kestra.core.queues.QueueInterface;
import io.kestra.core.queues.WorkerJobQueueInterface;
import io.kestra.core.runners.WorkerTriggerResult;
import io.kestra.jdbc.runner.AbstractJdbcQueueFactory;

/**
 * Makes Kestra's H2 queues with consumers that wake up when something is emitted.
 *
 * It has the name of Kestra's own factory and comes first on the class path: Kestra's bean definitions, which name it,
 * then make these queues, and nothing else has to change.
 */
public class H2QueueFactory extends AbstractJdbcQueueFactory {
    @Override
    protected <T> QueueInterface<T> queue(Class<T> messages) {
        return new WakingQueue<>(messages, applicationContext);
    }

    @Override
    protected WorkerJobQueueInterface workerJobQueue() {
        return new WakingWorkerJobQueue(applicationContext);
    }

    @Override
    protected QueueInterface<WorkerTriggerResult> workerTriggerResultQueue() {
        return new WakingWorkerTriggerResultQueue(applicationContext);
    }
}
