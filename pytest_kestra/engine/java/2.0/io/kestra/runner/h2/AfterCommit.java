package io.kestra.runner.h2;

import io.micronaut.transaction.TransactionOperations;
import io.micronaut.transaction.TransactionStatus;
import io.micronaut.transaction.support.TransactionSynchronization;

import java.util.Optional;

/** Does something when others can see what this thread has stored: at the end of its transaction, or now. */
final class AfterCommit {
    private final TransactionOperations<?> transactions;

    AfterCommit(TransactionOperations<?> transactions) {
        this.transactions = transactions;
    }

    boolean isInTransaction() {
        return transactions.findTransactionStatus().isPresent();
    }

    void run(Runnable work) {
        Optional<? extends TransactionStatus<?>> transaction = transactions.findTransactionStatus();
        if (transaction.isEmpty()) {
            work.run();
            return;
        }
        transaction.get().registerSynchronization(new TransactionSynchronization() {
            @Override
            public void afterCommit() {
                work.run();
            }
        });
    }
}
