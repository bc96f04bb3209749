import com.amazonaws.encryptionsdk.AwsCrypto;
import com.amazonaws.encryptionsdk.CommitmentPolicy;
import com.amazonaws.encryptionsdk.CryptoAlgorithm;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.kms.KmsClient;
import software.amazon.cryptography.materialproviders.IKeyring;
import software.amazon.cryptography.materialproviders.MaterialProviders;
import software.amazon.cryptography.materialproviders.model.CreateAwsKmsKeyringInput;
import software.amazon.cryptography.materialproviders.model.CreateMultiKeyringInput;
import software.amazon.cryptography.materialproviders.model.CreateRawRsaKeyringInput;
import software.amazon.cryptography.materialproviders.model.MaterialProvidersConfig;
import software.amazon.cryptography.materialproviders.model.PaddingScheme;

/** Seals and opens messages with the AWS Encryption SDK for Java. See README.md. */
public final class EncryptionSdk {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long LARGE = 1 << 20;

  private static final KmsClient kmsClient =
      KmsClient.builder()
          .endpointOverride(URI.create(System.getenv("KMS_ENDPOINT")))
          .httpClientBuilder(UrlConnectionHttpClient.builder())
          .build();
  private static final MaterialProviders providers =
      MaterialProviders.builder()
          .MaterialProvidersConfig(MaterialProvidersConfig.builder().build())
          .build();

  public static void main(String[] args) throws IOException {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ", 2);
      try {
        JsonNode request = JSON.readTree(words[1]);
        if (words[0].equals("seal")) seal(request);
        else open(request);
        out.println("ok ");
      } catch (Exception error) {
        out.println("error " + error.toString().lines().findFirst().orElse(""));
      }
    }
  }

  /** Uses the call for a whole message, or streams a large one. */
  private static void seal(JsonNode request) throws Exception {
    CryptoAlgorithm suite = suiteOf(request.get("suite").asInt());
    AwsCrypto crypto =
        AwsCrypto.builder()
            .withEncryptionAlgorithm(suite)
            .withCommitmentPolicy(
                suite.isCommitting()
                    ? CommitmentPolicy.RequireEncryptRequireDecrypt
                    : CommitmentPolicy.ForbidEncryptAllowDecrypt)
            .withEncryptionFrameSize(request.get("frame_length").asInt())
            .build();
    IKeyring keyring = keyringFor(request.get("keys"));
    Map<String, String> context = contextOf(request);
    Path from = Path.of(request.get("from").asText());
    Path to = Path.of(request.get("to").asText());
    if (Files.size(from) <= LARGE) {
      Files.write(to, crypto.encryptData(keyring, Files.readAllBytes(from), context).getResult());
      return;
    }
    try (var stream = crypto.createEncryptingStream(keyring, Files.newOutputStream(to), context)) {
      Files.copy(from, stream);
    }
  }

  private static void open(JsonNode request) throws Exception {
    AwsCrypto crypto =
        AwsCrypto.builder()
            .withCommitmentPolicy(CommitmentPolicy.RequireEncryptAllowDecrypt)
            .build();
    IKeyring keyring = keyringFor(request.get("keys"));
    Path from = Path.of(request.get("from").asText());
    Path to = Path.of(request.get("to").asText());
    Map<String, String> actual;
    if (Files.size(from) <= LARGE) {
      var opened = crypto.decryptData(keyring, Files.readAllBytes(from));
      Files.write(to, opened.getResult());
      actual = opened.getEncryptionContext();
    } else {
      try (var stream = crypto.createDecryptingStream(keyring, Files.newInputStream(from))) {
        Files.copy(stream, to);
        actual = stream.getCryptoResult().getEncryptionContext();
      }
    }
    if (!actual.entrySet().containsAll(contextOf(request).entrySet())) {
      throw new IllegalStateException("a pair of the context is missing");
    }
  }

  private static CryptoAlgorithm suiteOf(int id) {
    for (CryptoAlgorithm suite : CryptoAlgorithm.values()) {
      if ((suite.getValue() & 0xffff) == id) return suite;
    }
    throw new IllegalArgumentException("no suite " + id);
  }

  private static IKeyring keyringFor(JsonNode keys) {
    List<IKeyring> keyrings = new ArrayList<>();
    keys.forEach(key -> keyrings.add(keyringOf(key)));
    if (keyrings.size() == 1) return keyrings.get(0);
    return providers.CreateMultiKeyring(
        CreateMultiKeyringInput.builder()
            .generator(keyrings.get(0))
            .childKeyrings(keyrings.subList(1, keyrings.size()))
            .build());
  }

  private static IKeyring keyringOf(JsonNode key) {
    if (key.has("kms")) {
      return providers.CreateAwsKmsKeyring(
          CreateAwsKmsKeyringInput.builder()
              .kmsKeyId(key.get("kms").asText())
              .kmsClient(kmsClient)
              .build());
    }
    var input =
        CreateRawRsaKeyringInput.builder()
            .keyNamespace(key.get("namespace").asText())
            .keyName(key.get("name").asText())
            .paddingScheme(PaddingScheme.valueOf("OAEP_" + key.get("hash").asText() + "_MGF1"));
    if (key.has("public_key")) input.publicKey(pemOf(key.get("public_key")));
    if (key.has("private_key")) input.privateKey(pemOf(key.get("private_key")));
    return providers.CreateRawRsaKeyring(input.build());
  }

  private static ByteBuffer pemOf(JsonNode text) {
    return ByteBuffer.wrap(text.asText().getBytes(StandardCharsets.UTF_8));
  }

  private static Map<String, String> contextOf(JsonNode request) throws IOException {
    return Lines.contextOf(request.get("context").toString());
  }
}
