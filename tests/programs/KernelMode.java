// SPDX-License-Identifier: Apache-2.0
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** What a JVM does with signals, threads and memory; one line for each thing that works. */
class KernelMode {
	int field;

	/** Without a check in the code: the JVM catches the page fault. */
	static int caught(KernelMode nothing) {
		int caught = 0;
		for (int i = 0; i < 20000; i++) {
			try {
				nothing.field++;
			} catch (NullPointerException e) {
				caught++;
			}
		}
		return caught;
	}

	public static void main(String[] arguments) throws Exception {
		System.out.println("caught " + caught(null));
		AtomicLong sum = new AtomicLong();
		List<Thread> threads = new ArrayList<>();
		for (int i = 0; i < 8; i++) {
			Thread thread = new Thread(() -> {
				for (int j = 0; j < 10000; j++)
					sum.addAndGet(new byte[1000].length);
			});
			thread.start();
			threads.add(thread);
		}
		for (Thread thread : threads)
			thread.join();
		System.out.println("threads " + sum);
		System.gc();
	}
}
