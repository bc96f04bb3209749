import java.io.IOException;
import java.net.URI;
import java.util.Map;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.services.kms.KmsClient;
import software.amazon.awssdk.services.kms.model.KmsException;

/** The examples of the AWS documentation with version 2 of the AWS SDK for Java, and what the cross cases need. See README.md. */
public final class KmsVersion2 {
  private static final KmsClient kmsClient =
      KmsClient.builder()
          .endpointOverride(URI.create(System.getenv("KMS_ENDPOINT")))
          .httpClientBuilder(UrlConnectionHttpClient.builder())
          .build();

  public static void main(String[] args) throws IOException {
    Lines.run(
        Map.of(
            "encrypt", words -> encrypt().asByteArray(),
            "decrypt", words -> decrypt(bytesOf(words[0])).asByteArray(),
            "re-encrypt", words -> reEncrypt(bytesOf(words[0])).asByteArray(),
            "encrypt-with-context", words -> encryptWithContext(words).asByteArray(),
            "decrypt-with-context", words -> decryptWithContext(words).asByteArray(),
            "encrypt-with-algorithm", words -> encryptWithAlgorithm(words).asByteArray(),
            "decrypt-with-algorithm", words -> decryptWithAlgorithm(words).asByteArray(),
            "get-public-key", words -> getPublicKey(words[0]).asByteArray()),
        error -> error instanceof KmsException kms ? kms.awsErrorDetails().errorCode() : null);
  }

  private static SdkBytes encrypt() {
    // Replace the following example key ARN with any valid key identfier
    String keyId = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    SdkBytes plaintext = SdkBytes.fromByteArray(new byte[]{1,2,3,4,5,6,7,8,9,0});

    return kmsClient.encrypt(req -> req.keyId(keyId).plaintext(plaintext)).ciphertextBlob();
  }

  private static SdkBytes decrypt(SdkBytes ciphertextBlob) {
    // Replace the following example key ARN with any valid key identfier
    String keyId = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    return kmsClient.decrypt(req -> req.ciphertextBlob(ciphertextBlob).keyId(keyId)).plaintext();
  }

  private static SdkBytes reEncrypt(SdkBytes sourceCiphertextBlob) {
    // Replace the following example key ARNs with valid key identfiers
    String sourceKeyId = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    String destinationKeyId = "arn:aws:kms:us-west-2:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321";

    return kmsClient
        .reEncrypt(
            req ->
                req.ciphertextBlob(sourceCiphertextBlob)
                    .sourceKeyId(sourceKeyId)
                    .destinationKeyId(destinationKeyId))
        .ciphertextBlob();
  }

  private static SdkBytes encryptWithContext(String[] words) throws IOException {
    Map<String, String> context = Lines.contextOf(words[2]);
    return kmsClient
        .encrypt(req -> req.keyId(words[0]).plaintext(bytesOf(words[1])).encryptionContext(context))
        .ciphertextBlob();
  }

  private static SdkBytes decryptWithContext(String[] words) throws IOException {
    Map<String, String> context = Lines.contextOf(words[2]);
    return kmsClient
        .decrypt(
            req -> req.keyId(words[0]).ciphertextBlob(bytesOf(words[1])).encryptionContext(context))
        .plaintext();
  }

  private static SdkBytes encryptWithAlgorithm(String[] words) {
    return kmsClient
        .encrypt(
            req -> req.keyId(words[0]).plaintext(bytesOf(words[1])).encryptionAlgorithm(words[2]))
        .ciphertextBlob();
  }

  private static SdkBytes decryptWithAlgorithm(String[] words) {
    return kmsClient
        .decrypt(
            req ->
                req.keyId(words[0]).ciphertextBlob(bytesOf(words[1])).encryptionAlgorithm(words[2]))
        .plaintext();
  }

  private static SdkBytes getPublicKey(String keyId) {
    return kmsClient.getPublicKey(req -> req.keyId(keyId)).publicKey();
  }

  private static SdkBytes bytesOf(String base64) {
    return SdkBytes.fromByteArray(Lines.decode(base64));
  }
}
