import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.function.Function;

/** Reads a line for each call from standard input, and writes a line for each result. See README.md. */
final class Lines {
  /** An operation; its arguments are the words of the line. */
  interface Operation {
    byte[] run(String[] words) throws Exception;
  }

  private static final ObjectMapper JSON = new ObjectMapper();

  private Lines() {}

  /** Does what standard input asks for. `errorCode` returns the exception of KMS, or null for another error. */
  static void run(Map<String, Operation> operations, Function<Exception, String> errorCode)
      throws IOException {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ");
      try {
        byte[] bytes = operations.get(words[0]).run(Arrays.copyOfRange(words, 1, words.length));
        out.println("ok " + Base64.getEncoder().encodeToString(bytes));
      } catch (Exception error) {
        String code = errorCode.apply(error);
        out.println("error " + (code != null ? code : error.toString().lines().findFirst().orElse("")));
      }
    }
  }

  static byte[] decode(String base64) {
    return Base64.getDecoder().decode(base64);
  }

  static Map<String, String> contextOf(String json) throws IOException {
    return JSON.readValue(json, new TypeReference<Map<String, String>>() {});
  }
}
