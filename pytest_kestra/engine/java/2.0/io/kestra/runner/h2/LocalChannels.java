package io.kestra.runner.h2;

import io.grpc.Channel;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.kestra.controller.GrpcChannelManager;
import io.kestra.controller.config.GrpcChannelConfiguration;
import io.kestra.controller.config.GrpcConfiguration;
import io.kestra.controller.config.WorkerControllersConfiguration;
import io.kestra.core.storages.StorageInterface;
import jakarta.inject.Provider;

/** Leads a worker to the controller in this process: Kestra's would listen on all of the machine's addresses. */
final class LocalChannels extends GrpcChannelManager {
    static final String NAME = "kestra";

    private final ManagedChannel channel;

    LocalChannels(
        GrpcChannelConfiguration channels,
        GrpcConfiguration grpc,
        WorkerControllersConfiguration controllers,
        Provider<StorageInterface> storage) {
        super(channels, grpc, controllers, storage);
        channel = InProcessChannelBuilder.forName(NAME).maxInboundMessageSize(grpc.maxInboundMessageSize()).build();
    }

    @Override
    public void init() {
        // There is nothing to connect to.
    }

    @Override
    public Channel getDefaultChannel() {
        return channel;
    }

    @Override
    public ConnectivityState getState(boolean connect) {
        return channel.getState(connect);
    }
}
