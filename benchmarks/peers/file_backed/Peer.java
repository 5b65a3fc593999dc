// SPDX-License-Identifier: Apache-2.0
import com.google.common.io.FileBackedOutputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/**
 * Guava's FileBackedOutputStream.
 *
 * <p>usage: java Peer ingest_spilled|ingest_memory, standard input as seekable_scenarios pours it;
 * or java Peer lives SIZE. Prints seconds.
 */
final class Peer {
  private static final int STEP = 64 * 1024;
  private static final int PAGE = 4096;
  private static final int LIMIT = 5 * 1024 * 1024;

  private static void check(boolean held, String what) {
    if (!held) throw new IllegalStateException("not as it should be: " + what);
  }

  private static double ingest(int limit) throws IOException {
    FileInputStream input = new FileInputStream(FileDescriptor.in);
    byte[] buffer = new byte[STEP];
    long started = System.nanoTime();
    FileBackedOutputStream store = new FileBackedOutputStream(limit);
    long size = 0;
    for (int got = input.read(buffer); got > 0; got = input.read(buffer)) {
      store.write(buffer, 0, got);
      size += got;
    }
    double seconds = (System.nanoTime() - started) * 1e-9;
    long middle = size / 2 / PAGE * PAGE;
    byte[] stamp = store.asByteSource().slice(middle, Long.BYTES).read();
    ByteBuffer number = ByteBuffer.wrap(stamp).order(ByteOrder.LITTLE_ENDIAN);
    check(number.getLong() == middle, "the bytes");
    store.reset();
    return seconds;
  }

  private static void live(byte[] content, byte[] out) throws IOException {
    FileBackedOutputStream store = new FileBackedOutputStream(LIMIT);
    for (int at = 0; at < content.length; at += STEP) {
      store.write(content, at, Math.min(STEP, content.length - at));
    }
    store.close();
    try (InputStream stream = store.asByteSource().openStream()) {
      for (int at = 0; at < out.length; at += STEP) {
        int part = Math.min(STEP, out.length - at);
        check(stream.readNBytes(out, at, part) == part, "all was read");
      }
    }
    store.reset();
  }

  private static double average(long count, byte[] content, byte[] out) throws IOException {
    long started = System.nanoTime();
    for (long i = 0; i < count; ++i) live(content, out);
    double seconds = (System.nanoTime() - started) * 1e-9;
    check(java.util.Arrays.equals(content, out), "the bytes");
    return seconds / count;
  }

  /** Seconds of one life, once the compiler has seen enough of them. */
  private static double lives(int size) throws IOException {
    byte[] content = new byte[size];
    byte[] out = new byte[size];
    new Random(1).nextBytes(content);
    long count = 1;
    double one = average(count, content, out);
    while (one * count < 0.2) {
      count *= 2;
      one = average(count, content, out);
    }
    return average(Math.max(5, (long) (0.4 / one)), content, out);
  }

  public static void main(String[] words) throws IOException {
    switch (words[0]) {
      case "lives" -> System.out.println(lives(Integer.parseInt(words[1])));
      case "ingest_memory" -> System.out.println(ingest(Integer.MAX_VALUE));
      default -> System.out.println(ingest(LIMIT));
    }
  }
}
