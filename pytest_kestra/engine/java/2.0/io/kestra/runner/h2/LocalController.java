package io.kestra.runner.h2;

import io.grpc.ServerBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.kestra.controller.DefaultController;
import io.kestra.controller.config.ControllerConfiguration;
import io.kestra.controller.config.GrpcConfiguration;
import io.kestra.controller.grpc.InternalCallServerInterceptor;
import io.kestra.controller.grpc.WorkerControllerService;
import io.kestra.core.metrics.MetricRegistry;
import io.kestra.core.server.ServiceStateChangeEvent;
import io.micronaut.context.event.ApplicationEventPublisher;

import java.util.List;

/** Kestra's controller, for workers in this process. */
final class LocalController extends DefaultController {
    private final List<WorkerControllerService> services;

    LocalController(
        List<WorkerControllerService> services,
        GrpcConfiguration grpc,
        ControllerConfiguration controller,
        MetricRegistry metrics,
        ApplicationEventPublisher<ServiceStateChangeEvent> events) {
        super(services, grpc, controller, metrics, events);
        this.services = services;
    }

    @Override
    protected ServerBuilder<?> buildServer(int port) {
        InProcessServerBuilder builder = InProcessServerBuilder.forName(LocalChannels.NAME)
            .intercept(new InternalCallServerInterceptor())
            .addService(healthStatusManager.getHealthService())
            .maxInboundMessageSize(grpcConfiguration.maxInboundMessageSize());
        services.forEach(service -> builder.addService(service.bindService()));
        return builder;
    }
}
