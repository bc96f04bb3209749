// The examples of the AWS documentation in Go, and what the cross cases need. See README.md.
package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"
)

var ctx = context.Background()

// An operation; its arguments are the words of the line.
type operation func(kmsClient *kms.Client, words []string) ([]byte, error)

var operations = map[string]operation{
	"encrypt": func(kmsClient *kms.Client, _ []string) ([]byte, error) {
		// Replace the following example key ARN with any valid key identifier
		keyId := "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
		plaintext := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 0}

		return encrypt(kmsClient, kms.EncryptInput{KeyId: aws.String(keyId), Plaintext: plaintext})
	},
	"decrypt": func(kmsClient *kms.Client, words []string) ([]byte, error) {
		// Replace the following example key ARN with any valid key identifier
		keyId := "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
		ciphertext := decode(words[0])

		return decrypt(kmsClient, kms.DecryptInput{CiphertextBlob: ciphertext, KeyId: aws.String(keyId)})
	},
	"re-encrypt": func(kmsClient *kms.Client, words []string) ([]byte, error) {
		ciphertext := decode(words[0])

		// Replace the following example key ARNs with valid key identifiers
		sourceKeyId := "arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
		destinationKeyId := "arn:aws:kms:us-west-2:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321"

		output, err := kmsClient.ReEncrypt(ctx, &kms.ReEncryptInput{
			CiphertextBlob:   ciphertext,
			SourceKeyId:      aws.String(sourceKeyId),
			DestinationKeyId: aws.String(destinationKeyId),
		})
		if err != nil {
			return nil, err
		}
		return output.CiphertextBlob, nil
	},
	"encrypt-with-context": func(kmsClient *kms.Client, words []string) ([]byte, error) {
		return encrypt(kmsClient, kms.EncryptInput{
			KeyId:             aws.String(words[0]),
			Plaintext:         decode(words[1]),
			EncryptionContext: contextOf(words[2]),
		})
	},
	"decrypt-with-context": func(kmsClient *kms.Client, words []string) ([]byte, error) {
		return decrypt(kmsClient, kms.DecryptInput{
			KeyId:             aws.String(words[0]),
			CiphertextBlob:    decode(words[1]),
			EncryptionContext: contextOf(words[2]),
		})
	},
	"encrypt-with-algorithm": func(kmsClient *kms.Client, words []string) ([]byte, error) {
		return encrypt(kmsClient, kms.EncryptInput{
			KeyId:               aws.String(words[0]),
			Plaintext:           decode(words[1]),
			EncryptionAlgorithm: types.EncryptionAlgorithmSpec(words[2]),
		})
	},
	"decrypt-with-algorithm": func(kmsClient *kms.Client, words []string) ([]byte, error) {
		return decrypt(kmsClient, kms.DecryptInput{
			KeyId:               aws.String(words[0]),
			CiphertextBlob:      decode(words[1]),
			EncryptionAlgorithm: types.EncryptionAlgorithmSpec(words[2]),
		})
	},
	"get-public-key": func(kmsClient *kms.Client, words []string) ([]byte, error) {
		output, err := kmsClient.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: aws.String(words[0])})
		if err != nil {
			return nil, err
		}
		return output.PublicKey, nil
	},
}

func encrypt(kmsClient *kms.Client, input kms.EncryptInput) ([]byte, error) {
	output, err := kmsClient.Encrypt(ctx, &input)
	if err != nil {
		return nil, err
	}
	return output.CiphertextBlob, nil
}

func decrypt(kmsClient *kms.Client, input kms.DecryptInput) ([]byte, error) {
	output, err := kmsClient.Decrypt(ctx, &input)
	if err != nil {
		return nil, err
	}
	return output.Plaintext, nil
}

func decode(text string) []byte {
	bytes, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return bytes
}

func contextOf(text string) map[string]string {
	var pairs map[string]string
	if err := json.Unmarshal([]byte(text), &pairs); err != nil {
		panic(err)
	}
	return pairs
}

func main() {
	configuration, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		panic(err)
	}
	kmsClient := kms.NewFromConfig(configuration, func(options *kms.Options) {
		options.BaseEndpoint = aws.String(os.Getenv("KMS_ENDPOINT"))
	})
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		words := strings.Split(lines.Text(), " ")
		bytes, err := operations[words[0]](kmsClient, words[1:])
		var rejection smithy.APIError
		switch {
		case err == nil:
			fmt.Println("ok", base64.StdEncoding.EncodeToString(bytes))
		case errors.As(err, &rejection):
			fmt.Println("error", rejection.ErrorCode())
		default:
			fmt.Println("error", strings.ReplaceAll(err.Error(), "\n", " "))
		}
	}
}
