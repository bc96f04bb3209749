// Seals and opens messages with the AWS Encryption SDK for Go. See README.md.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	mpl "github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygenerated"
	"github.com/aws/aws-cryptographic-material-providers-library/releases/go/mpl/awscryptographymaterialproviderssmithygeneratedtypes"
	esdk "github.com/aws/aws-encryption-sdk/releases/go/encryption-sdk/awscryptographyencryptionsdksmithygenerated"
	"github.com/aws/aws-encryption-sdk/releases/go/encryption-sdk/awscryptographyencryptionsdksmithygeneratedtypes"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

var ctx = context.Background()

type key struct {
	Kms        string
	Namespace  string
	Name       string
	Hash       string
	PublicKey  string `json:"public_key"`
	PrivateKey string `json:"private_key"`
}

type request struct {
	Suite       int
	Keys        []key
	Context     map[string]string
	FrameLength int64 `json:"frame_length"`
	From        string
	To          string
}

type keyring = awscryptographymaterialproviderssmithygeneratedtypes.IKeyring

type program struct {
	kmsClient *kms.Client
	providers *mpl.Client
}

func (program program) keyringOf(key key) (keyring, error) {
	if key.Kms != "" {
		return program.providers.CreateAwsKmsKeyring(ctx, awscryptographymaterialproviderssmithygeneratedtypes.CreateAwsKmsKeyringInput{
			KmsClient: program.kmsClient,
			KmsKeyId:  key.Kms,
		})
	}
	input := awscryptographymaterialproviderssmithygeneratedtypes.CreateRawRsaKeyringInput{
		KeyNamespace:  key.Namespace,
		KeyName:       key.Name,
		PaddingScheme: awscryptographymaterialproviderssmithygeneratedtypes.PaddingScheme("OAEP_" + key.Hash + "_MGF1"),
	}
	if key.PublicKey != "" {
		input.PublicKey = []byte(key.PublicKey)
	}
	if key.PrivateKey != "" {
		input.PrivateKey = []byte(key.PrivateKey)
	}
	return program.providers.CreateRawRsaKeyring(ctx, input)
}

func (program program) keyringFor(keys []key) (keyring, error) {
	var keyrings []keyring
	for _, key := range keys {
		keyring, err := program.keyringOf(key)
		if err != nil {
			return nil, err
		}
		keyrings = append(keyrings, keyring)
	}
	if len(keyrings) == 1 {
		return keyrings[0], nil
	}
	return program.providers.CreateMultiKeyring(ctx, awscryptographymaterialproviderssmithygeneratedtypes.CreateMultiKeyringInput{
		Generator:     keyrings[0],
		ChildKeyrings: keyrings[1:],
	})
}

func clientFor(policy awscryptographymaterialproviderssmithygeneratedtypes.ESDKCommitmentPolicy) (*esdk.Client, error) {
	return esdk.NewClient(awscryptographyencryptionsdksmithygeneratedtypes.AwsEncryptionSdkConfig{CommitmentPolicy: &policy})
}

func (program program) seal(request request) error {
	policy := awscryptographymaterialproviderssmithygeneratedtypes.ESDKCommitmentPolicyForbidEncryptAllowDecrypt
	if request.Suite == 0x0478 || request.Suite == 0x0578 {
		policy = awscryptographymaterialproviderssmithygeneratedtypes.ESDKCommitmentPolicyRequireEncryptRequireDecrypt
	}
	client, err := clientFor(policy)
	if err != nil {
		return err
	}
	keyring, err := program.keyringFor(request.Keys)
	if err != nil {
		return err
	}
	plaintext, err := os.ReadFile(request.From)
	if err != nil {
		return err
	}
	suite := awscryptographymaterialproviderssmithygeneratedtypes.ESDKAlgorithmSuiteId(fmt.Sprintf("0x%04x", request.Suite))
	output, err := client.Encrypt(ctx, awscryptographyencryptionsdksmithygeneratedtypes.EncryptInput{
		Plaintext:         plaintext,
		AlgorithmSuiteId:  &suite,
		EncryptionContext: request.Context,
		FrameLength:       &request.FrameLength,
		Keyring:           keyring,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(request.To, output.Ciphertext, 0o600)
}

func (program program) open(request request) error {
	client, err := clientFor(awscryptographymaterialproviderssmithygeneratedtypes.ESDKCommitmentPolicyRequireEncryptAllowDecrypt)
	if err != nil {
		return err
	}
	keyring, err := program.keyringFor(request.Keys)
	if err != nil {
		return err
	}
	message, err := os.ReadFile(request.From)
	if err != nil {
		return err
	}
	output, err := client.Decrypt(ctx, awscryptographyencryptionsdksmithygeneratedtypes.DecryptInput{
		Ciphertext: message,
		Keyring:    keyring,
	})
	if err != nil {
		return err
	}
	for name, value := range request.Context {
		if output.EncryptionContext[name] != value {
			return fmt.Errorf("the pair %s is missing", name)
		}
	}
	return os.WriteFile(request.To, output.Plaintext, 0o600)
}

func (program program) run(line string) error {
	operation, text, _ := strings.Cut(line, " ")
	var request request
	if err := json.Unmarshal([]byte(text), &request); err != nil {
		return err
	}
	if operation == "seal" {
		return program.seal(request)
	}
	return program.open(request)
}

func main() {
	configuration, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		panic(err)
	}
	kmsClient := kms.NewFromConfig(configuration, func(options *kms.Options) {
		options.BaseEndpoint = aws.String(os.Getenv("KMS_ENDPOINT"))
	})
	providers, err := mpl.NewClient(awscryptographymaterialproviderssmithygeneratedtypes.MaterialProvidersConfig{})
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := (program{kmsClient, providers}).run(lines.Text()); err != nil {
			fmt.Println("error", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("ok ")
		}
	}
}
