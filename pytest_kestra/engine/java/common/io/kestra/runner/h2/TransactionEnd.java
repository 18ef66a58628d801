package io.kestra.runner.h2;

import io.kestra.core.queues.QueueException;
import io.micronaut.transaction.TransactionOperations;
import io.micronaut.transaction.TransactionStatus;
import io.micronaut.transaction.support.TransactionSynchronization;

import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/** Does something at the end of this thread's transaction. */
final class TransactionEnd {
    /** One for all queues: transactions that store in two of them would wait for each other with two locks. */
    private static final ReentrantLock ORDER = new ReentrantLock();

    private final TransactionOperations<?> transactions;

    TransactionEnd(TransactionOperations<?> transactions) {
        this.transactions = transactions;
    }

    /** Does something when others can see what this thread has stored: now where there is no transaction. */
    void afterCommit(Runnable work) {
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

    interface Storing {
        void run() throws QueueException;
    }

    /**
     * Stores messages so that others see them in the order of their offsets: who follows would miss one that comes late.
     *
     * The lock is held until others can see what was stored. Who has it has a connection already: one that waited for a
     * connection could wait for those who have all of them, and wait for the lock.
     */
    void storeInOrder(Storing storing) throws QueueException {
        Optional<? extends TransactionStatus<?>> transaction = transactions.findTransactionStatus();
        if (transaction.isPresent()) {
            transaction.get().registerSynchronization(new InOrder(storing));
            return;
        }
        transactions.executeWrite(status -> {
            InOrder inOrder = new InOrder(storing);
            status.registerSynchronization(inOrder);
            inOrder.store();
            return null;
        });
    }

    /** What is stored as the last thing in a transaction. */
    private static final class InOrder implements TransactionSynchronization {
        private final Storing storing;
        private boolean locked;

        InOrder(Storing storing) {
            this.storing = storing;
        }

        void store() throws QueueException {
            ORDER.lock();
            locked = true;
            storing.run();
        }

        @Override
        public void beforeCommit(boolean readOnly) {
            if (locked) {
                return;
            }
            try {
                store();
            } catch (QueueException e) {
                throw new IllegalStateException(e);
            }
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
                ORDER.unlock();
            }
        }
    }
}
