package io.kestra.runner.h2;

import io.micronaut.transaction.TransactionOperations;
import io.micronaut.transaction.TransactionStatus;
import io.micronaut.transaction.support.TransactionSynchronization;

import java.util.Optional;
import java.util.concurrent.locks.Lock;

/** Does something at the end of this thread's transaction. */
final class AfterCommit {
    private final TransactionOperations<?> transactions;

    AfterCommit(TransactionOperations<?> transactions) {
        this.transactions = transactions;
    }

    boolean isInTransaction() {
        return transactions.findTransactionStatus().isPresent();
    }

    /** Does something when others can see what this thread has stored: now where there is no transaction. */
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

    /** Does something as the last in the transaction, and holds a lock until others can see what it has stored. */
    void runLast(Lock lock, Runnable work) {
        transactions.findTransactionStatus().orElseThrow().registerSynchronization(new TransactionSynchronization() {
            private boolean locked;

            @Override
            public void beforeCommit(boolean readOnly) {
                lock.lock();
                locked = true;
                work.run();
            }

            @Override
            public void afterCommit() {
                unlock();
            }

            @Override
            public void afterCompletion(Status status) {
                unlock();
            }

            private void unlock() {
                if (locked) {
                    locked = false;
                    lock.unlock();
                }
            }
        });
    }
}
