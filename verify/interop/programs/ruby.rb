# frozen_string_literal: true

# The examples of the AWS documentation for Ruby, and what the cross cases need. See README.md.
require 'json'
require_relative 'ruby-newer-api'

kmsClient = Aws::KMS::Client.new(endpoint: ENV.fetch('KMS_ENDPOINT'))

# The examples take a ciphertext in hexadecimal.
to_hex = ->(base64) { base64.unpack1('m').unpack1('H*') }

operations = {
  'encrypt' => lambda {
    # Replace the following example key ARN with any valid key identifier
    key_id = 'arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
    plaintext = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x00"

    response = kmsClient.encrypt({
      key_id: key_id,
      plaintext: plaintext
    })

    ciphertext = response.ciphertext_blob
    ciphertext
  },

  'decrypt' => lambda { |text|
    # Replace the following example key ARN with any valid key identifier
    key_id = 'arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'

    ciphertext = to_hex.(text)
    ciphertext_packed = [ciphertext].pack("H*")

    response = kmsClient.decrypt({
      ciphertext_blob: ciphertext_packed,
      key_id: key_id
    })

    plaintext = response.plaintext
    plaintext
  },

  're-encrypt' => lambda { |text|
    ciphertext = to_hex.(text)
    ciphertext_packed = [ciphertext].pack("H*")

    # Replace the following example key ARNs with valid key identifiers
    source_key_id = 'arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'
    destination_key_id = 'arn:aws:kms:us-west-2:111122223333:key/0987dcba-09fe-87dc-65ba-ab0987654321'

    response = kmsClient.re_encrypt({
      ciphertext_blob: ciphertext_packed,
      source_key_id: source_key_id,
      destination_key_id: destination_key_id
    })

    destination_ciphertext_blob = response.ciphertext_blob.unpack('H*')
    destination_ciphertext_blob.pack('H*')
  },

  'encrypt-with-context' => lambda { |key_id, plaintext, context|
    kmsClient.encrypt({
      key_id: key_id,
      plaintext: plaintext.unpack1('m'),
      encryption_context: JSON.parse(context)
    }).ciphertext_blob
  },

  'decrypt-with-context' => lambda { |key_id, ciphertext, context|
    kmsClient.decrypt({
      key_id: key_id,
      ciphertext_blob: ciphertext.unpack1('m'),
      encryption_context: JSON.parse(context)
    }).plaintext
  },

  'encrypt-with-algorithm' => lambda { |key_id, plaintext, algorithm|
    kmsClient.encrypt({
      key_id: key_id,
      plaintext: plaintext.unpack1('m'),
      encryption_algorithm: algorithm
    }).ciphertext_blob
  },

  'decrypt-with-algorithm' => lambda { |key_id, ciphertext, algorithm|
    kmsClient.decrypt({
      key_id: key_id,
      ciphertext_blob: ciphertext.unpack1('m'),
      encryption_algorithm: algorithm
    }).plaintext
  },

  'get-public-key' => ->(key_id) { kmsClient.get_public_key({ key_id: key_id }).public_key }
}

$stdout.sync = true
while (line = $stdin.gets)
  operation, *arguments = line.chomp.split(' ')
  begin
    puts "ok #{[operations.fetch(operation).call(*arguments)].pack('m0')}"
  rescue Aws::Errors::ServiceError => e
    puts "error #{e.code}"
  rescue StandardError => e
    puts "error #{e.message.lines.first}"
  end
end
