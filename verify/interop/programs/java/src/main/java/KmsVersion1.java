import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.services.kms.AWSKMS;
import com.amazonaws.services.kms.AWSKMSClientBuilder;
import com.amazonaws.services.kms.model.AWSKMSException;
import com.amazonaws.services.kms.model.DecryptRequest;
import com.amazonaws.services.kms.model.EncryptRequest;
import com.amazonaws.services.kms.model.GetPublicKeyRequest;
import com.amazonaws.services.kms.model.ReEncryptRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;

/** The examples of the AWS documentation for Java, which uses version 1, and what the cross cases need. See README.md. */
public final class KmsVersion1 {
  private static final AWSKMS kmsClient =
      AWSKMSClientBuilder.standard()
          .withEndpointConfiguration(
              new EndpointConfiguration(System.getenv("KMS_ENDPOINT"), System.getenv("AWS_REGION")))
          .build();

  public static void main(String[] args) throws IOException {
    Lines.run(
        Map.of(
            "encrypt", words -> bytesOf(encrypt()),
            "decrypt", words -> bytesOf(decrypt(bufferOf(words[0]))),
            "re-encrypt", words -> bytesOf(reEncrypt(bufferOf(words[0]))),
            "encrypt-with-context", words -> bytesOf(encryptWithContext(words)),
            "decrypt-with-context", words -> bytesOf(decryptWithContext(words)),
            "encrypt-with-algorithm", words -> bytesOf(encryptWithAlgorithm(words)),
            "decrypt-with-algorithm", words -> bytesOf(decryptWithAlgorithm(words)),
            "get-public-key", words -> bytesOf(getPublicKey(words[0]))),
        error -> error instanceof AWSKMSException kms ? kms.getErrorCode() : null);
  }

  private static ByteBuffer encrypt() {
    // Replace the following example key ARN with any valid key identfier
    String keyId = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    ByteBuffer plaintext = ByteBuffer.wrap(new byte[]{1,2,3,4,5,6,7,8,9,0});

    EncryptRequest req = new EncryptRequest().withKeyId(keyId).withPlaintext(plaintext);
    ByteBuffer ciphertext = kmsClient.encrypt(req).getCiphertextBlob();
    return ciphertext;
  }

  private static ByteBuffer decrypt(ByteBuffer ciphertextBlob) {
    // Replace the following example key ARN with any valid key identfier
    String keyId = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

    DecryptRequest req = new DecryptRequest().withCiphertextBlob(ciphertextBlob).withKeyId(keyId);
    ByteBuffer plainText = kmsClient.decrypt(req).getPlaintext();
    return plainText;
  }

  private static ByteBuffer reEncrypt(ByteBuffer sourceCiphertextBlob) {
    // Replace the following example key ARNs with valid key identfiers
    String sourceKeyId = "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    String destinationKeyId = "arn:aws:kms:us-west-2:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321";

    ReEncryptRequest req = new ReEncryptRequest();
    req.setCiphertextBlob(sourceCiphertextBlob);
    req.setSourceKeyId(sourceKeyId);
    req.setDestinationKeyId(destinationKeyId);
    ByteBuffer destinationCipherTextBlob = kmsClient.reEncrypt(req).getCiphertextBlob();
    return destinationCipherTextBlob;
  }

  private static ByteBuffer encryptWithContext(String[] words) throws IOException {
    EncryptRequest req =
        new EncryptRequest()
            .withKeyId(words[0])
            .withPlaintext(bufferOf(words[1]))
            .withEncryptionContext(Lines.contextOf(words[2]));
    return kmsClient.encrypt(req).getCiphertextBlob();
  }

  private static ByteBuffer decryptWithContext(String[] words) throws IOException {
    DecryptRequest req =
        new DecryptRequest()
            .withKeyId(words[0])
            .withCiphertextBlob(bufferOf(words[1]))
            .withEncryptionContext(Lines.contextOf(words[2]));
    return kmsClient.decrypt(req).getPlaintext();
  }

  private static ByteBuffer encryptWithAlgorithm(String[] words) {
    EncryptRequest req =
        new EncryptRequest()
            .withKeyId(words[0])
            .withPlaintext(bufferOf(words[1]))
            .withEncryptionAlgorithm(words[2]);
    return kmsClient.encrypt(req).getCiphertextBlob();
  }

  private static ByteBuffer decryptWithAlgorithm(String[] words) {
    DecryptRequest req =
        new DecryptRequest()
            .withKeyId(words[0])
            .withCiphertextBlob(bufferOf(words[1]))
            .withEncryptionAlgorithm(words[2]);
    return kmsClient.decrypt(req).getPlaintext();
  }

  private static ByteBuffer getPublicKey(String keyId) {
    return kmsClient.getPublicKey(new GetPublicKeyRequest().withKeyId(keyId)).getPublicKey();
  }

  private static ByteBuffer bufferOf(String base64) {
    return ByteBuffer.wrap(Lines.decode(base64));
  }

  private static byte[] bytesOf(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }
}
