package io.kestra.runner.h2;

import io.kestra.controller.DefaultController;
import io.kestra.controller.GrpcChannelManager;
import io.kestra.controller.config.ControllerConfiguration;
import io.kestra.controller.config.GrpcChannelConfiguration;
import io.kestra.controller.config.GrpcConfiguration;
import io.kestra.controller.config.WorkerControllersConfiguration;
import io.kestra.controller.grpc.WorkerControllerService;
import io.kestra.core.async.AsyncOperationProcessedEvent;
import io.kestra.core.async.AsyncOperationService;
import io.kestra.core.executor.command.ExecutionCommand;
import io.kestra.core.metrics.MetricRegistry;
import io.kestra.core.models.executions.ExecutionKilled;
import io.kestra.core.models.executions.LogEntry;
import io.kestra.core.models.executions.MetricEntry;
import io.kestra.core.queues.BroadcastQueueInterface;
import io.kestra.core.queues.DispatchQueueInterface;
import io.kestra.core.queues.event.BroadcastEvent;
import io.kestra.core.queues.event.DispatchEvent;
import io.kestra.core.repositories.ExecutionRepositoryInterface;
import io.kestra.core.runners.DefaultLogEntryEmitter;
import io.kestra.core.runners.ExecutionEventType;
import io.kestra.core.runners.Executor;
import io.kestra.core.runners.FollowExecutionEvent;
import io.kestra.core.runners.Indexer;
import io.kestra.core.runners.LogEntryEmitter;
import io.kestra.core.runners.RunContextFactory;
import io.kestra.core.runners.RunContextLoggerFactory;
import io.kestra.core.runners.Scheduler;
import io.kestra.core.runners.Worker;
import io.kestra.core.scheduler.SchedulerClock;
import io.kestra.core.scheduler.SchedulerConfiguration;
import io.kestra.core.scheduler.service.DefaultTriggerExecutionPublisher;
import io.kestra.core.scheduler.service.TriggerExecutionPublisher;
import io.kestra.core.scheduler.store.TriggerStateStore;
import io.kestra.core.server.Service;
import io.kestra.core.server.ServiceStateChangeEvent;
import io.kestra.core.services.ConditionService;
import io.kestra.core.services.FlowParsingService;
import io.kestra.core.services.FlowService;
import io.kestra.core.storages.StorageInterface;
import io.kestra.core.worker.Controller;
import io.kestra.jdbc.JooqDSLContextWrapper;
import io.kestra.jdbc.runner.JdbcQueueConfiguration;
import io.kestra.queue.jdbc.client.JdbcQueueClient;
import io.kestra.repository.h2.H2Repository;
import io.kestra.scheduler.TriggerEventHandler;
import io.kestra.scheduler.TriggerScheduler;
import io.kestra.scheduler.internals.DefaultSchedulableTriggerFetcher;
import io.kestra.scheduler.internals.SchedulableEvaluator;
import io.kestra.scheduler.pubsub.TriggerWorkerJobPublisher;
import io.kestra.scheduler.stores.FlowMetaStore;
import io.kestra.worker.queues.WorkerQueueRegistry;
import io.kestra.worker.systemworker.SystemWorker;
import io.micrometer.core.instrument.config.MeterFilter;
import io.micronaut.context.ApplicationContext;
import io.micronaut.context.RuntimeBeanDefinition;
import io.micronaut.context.annotation.Replaces;
import io.micronaut.context.event.ApplicationEventListener;
import io.micronaut.context.event.ApplicationEventPublisher;
import io.micronaut.context.event.ShutdownEvent;
import io.micronaut.core.annotation.AnnotationClassValue;
import io.micronaut.core.type.Argument;
import io.micronaut.inject.annotation.MutableAnnotationMetadata;
import io.micronaut.inject.qualifiers.Qualifiers;
import io.micronaut.transaction.TransactionOperations;

import java.time.ZoneId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Kestra with all its services in this process, as its standalone server has them, without its web server. */
public final class Server {
    /** Kestra closes its context where a reader of a queue has failed. */
    private static final class Ending implements ApplicationEventListener<ShutdownEvent> {
        @Override
        public void onApplicationEvent(ShutdownEvent event) {
            Failure.happened();
        }
    }

    private final ApplicationContext context;
    private final List<Service> services = new ArrayList<>();

    /** Makes an application context with some beans of ours in the place of Kestra's. */
    public Server(Map<String, Object> properties) {
        context = ApplicationContext.builder()
            .properties(properties)
            .deduceEnvironment(false)
            .banner(false)
            // Nobody reads the meters, and there are some for each flow.
            .singletons(MeterFilter.deny())
            .beanDefinitions(
                instead(JdbcQueueClient.class, WakingQueues.class, this::queues),
                instead(H2ExecutionDelayStateStore.class, WakingDelays.class, this::delays),
                instead(DefaultLogEntryEmitter.class, OrderedLogs.class, () -> new OrderedLogs(dispatched(LogEntry.class))),
                instead(WorkerQueueRegistry.class, DirectQueues.class, () -> new DirectQueues(
                    bean(MetricRegistry.class), bean(LogEntryEmitter.class), dispatched(MetricEntry.class))),
                instead(GrpcChannelManager.class, LocalChannels.class, () -> new LocalChannels(
                    bean(GrpcChannelConfiguration.class), bean(GrpcConfiguration.class),
                    bean(WorkerControllersConfiguration.class), () -> bean(StorageInterface.class))),
                instead(FlowParsingService.class, LocalScripts.class, LocalScripts::new),
                instead(DefaultController.class, LocalController.class, this::controller),
                instead(DefaultSchedulableTriggerFetcher.class, MovedTriggers.class, () -> new MovedTriggers(
                    bean(RunContextFactory.class), states(), bean(FlowMetaStore.class), bean(FlowParsingService.class))),
                instead(TriggerScheduler.class, MovedScheduler.class, this::scheduler),
                instead(TriggerEventHandler.class, MovedEvents.class, this::events),
                instead(DefaultTriggerExecutionPublisher.class, MovedExecutions.class, () -> new MovedExecutions(
                    dispatched(ExecutionCommand.class), bean(RunContextLoggerFactory.class)))
            )
            .build();
        // The scheduler takes it when it is made.
        SchedulerClock.setClock(new MovedClock(ZoneId.systemDefault()));
        context.registerSingleton(new Ending());
        context.start();
    }

    public ApplicationContext context() {
        return context;
    }

    /** Starts the services; they run when all their states say so. */
    public List<Service> start(int workerThreads) throws ReflectiveOperationException {
        KnownFlows.install((WakingQueues) bean(JdbcQueueClient.class), bean(FlowService.class));
        TransactionEnd transactionEnd = transactionEnd();
        ExecutionRepositoryInterface executions = bean(ExecutionRepositoryInterface.class);
        broadcast(FollowExecutionEvent.class)
            .addListener(event -> transactionEnd.afterCommit(() -> happened(event, executions)));
        broadcast(AsyncOperationProcessedEvent.class)
            .addListener(event -> transactionEnd.afterCommit(() -> Operations.processed(event)));
        Executor executor = bean(Executor.class);
        bean(WakingDelays.class).wakes(executor);
        Worker worker = bean(Worker.class);
        HeldResults.install(worker);
        Controller controller = bean(Controller.class);
        Scheduler scheduler = bean(Scheduler.class);
        Indexer indexer = bean(Indexer.class);
        SystemWorker systemWorker = bean(SystemWorker.class);
        start(executor, executor);
        start(controller, controller::start);
        start(worker, () -> worker.start(workerThreads));
        start(scheduler, scheduler);
        start(indexer, indexer);
        start(systemWorker, systemWorker::start);
        return services;
    }

    private void start(Service service, Runnable run) {
        services.add(service);
        Thread thread = new Thread(run, service.getType().name().toLowerCase());
        thread.setDaemon(true);
        thread.start();
    }

    private static void happened(FollowExecutionEvent event, ExecutionRepositoryInterface executions) {
        if (!Watches.isEmpty()) {
            executions.findById(event.tenantId(), event.executionId()).ifPresent(Watches::happened);
        }
        if (event.eventType() == ExecutionEventType.TERMINATED) {
            ExecutionEnds.ended(event.executionId());
        }
    }

    /** Defines a bean of ours that takes the place of one of Kestra's. */
    private static <O> RuntimeBeanDefinition<O> instead(Class<?> kestras, Class<O> ours, Supplier<O> made) {
        // The builder's own `replaces` names the type where Micronaut does not look for it.
        MutableAnnotationMetadata metadata = new MutableAnnotationMetadata();
        metadata.addAnnotation(Replaces.class.getName(), Map.of(Replaces.MEMBER_BEAN, new AnnotationClassValue<>(kestras)));
        return RuntimeBeanDefinition.builder(ours, made).singleton(true).annotationMetadata(metadata).build();
    }

    private WakingQueues queues() {
        @SuppressWarnings("unchecked")
        io.kestra.jdbc.AbstractJdbcRepository<io.kestra.jdbc.JdbcQueueItem> repository =
            context.getBean(io.kestra.jdbc.AbstractJdbcRepository.class, Qualifiers.byName("queues"));
        JdbcQueueConfiguration configuration = bean(JdbcQueueConfiguration.class);
        return new WakingQueues(repository, bean(JooqDSLContextWrapper.class), configuration, transactionEnd());
    }

    @SuppressWarnings("unchecked")
    private WakingDelays delays() {
        return new WakingDelays(context.getBean(H2Repository.class, Qualifiers.byName("executordelayed")), transactionEnd());
    }

    private LocalController controller() {
        return new LocalController(
            List.copyOf(context.getBeansOfType(WorkerControllerService.class)),
            bean(GrpcConfiguration.class),
            bean(ControllerConfiguration.class),
            bean(MetricRegistry.class),
            context.getBean(Argument.of(ApplicationEventPublisher.class, ServiceStateChangeEvent.class))
        );
    }

    private MovedScheduler scheduler() {
        return new MovedScheduler(
            states(), bean(FlowMetaStore.class), bean(MetricRegistry.class), bean(RunContextFactory.class),
            bean(ConditionService.class), bean(FlowParsingService.class), bean(SchedulableEvaluator.class),
            bean(MovedTriggers.class), bean(TriggerWorkerJobPublisher.class), bean(TriggerExecutionPublisher.class),
            bean(SchedulerConfiguration.class)
        );
    }

    private MovedEvents events() {
        return new MovedEvents(
            bean(MovedScheduler.class), states(), bean(FlowMetaStore.class), bean(TriggerExecutionPublisher.class),
            bean(RunContextFactory.class), bean(ConditionService.class), broadcast(ExecutionKilled.class),
            bean(AsyncOperationService.class)
        );
    }

    private TriggerStateStore states() {
        // Without a name of its own Micronaut takes it for its own argument, which is of this type and name, too.
        return context.getBean(Argument.of(TriggerStateStore.class, "cached"), Qualifiers.byName("cached"));
    }

    private TransactionEnd transactionEnd() {
        return new TransactionEnd(bean(TransactionOperations.class));
    }

    private <T> T bean(Class<T> type) {
        return context.getBean(type);
    }

    @SuppressWarnings("unchecked")
    private <T extends DispatchEvent> DispatchQueueInterface<T> dispatched(Class<T> messages) {
        return context.getBean(Argument.of(DispatchQueueInterface.class, messages));
    }

    @SuppressWarnings("unchecked")
    private <T extends BroadcastEvent> BroadcastQueueInterface<T> broadcast(Class<T> messages) {
        return context.getBean(Argument.of(BroadcastQueueInterface.class, messages));
    }
}
