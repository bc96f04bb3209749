# frozen_string_literal: true

# Debian 12 ships version 1.24.0 of aws-sdk-kms, from before KMS had asymmetric keys and took a key for
# Decrypt. The SDK works by a description of the API, so what came later is added to it: by the SDK's own
# means, and only where it is missing. Signing, HTTP, encoding and errors stay the SDK's.
require 'aws-sdk-kms'

api = Aws::KMS::ClientApi
shapes = Seahorse::Model::Shapes
reference = ->(shape, name) { shapes::ShapeRef.new(shape: shape, location_name: name) }
text = shapes::StringShape.new(name: 'String')

{
  api::EncryptRequest => { encryption_algorithm: 'EncryptionAlgorithm' },
  api::DecryptRequest => { key_id: 'KeyId', encryption_algorithm: 'EncryptionAlgorithm' },
  api::ReEncryptRequest => { source_key_id: 'SourceKeyId' }
}.each do |request, members|
  members.each do |member, name|
    request.add_member(member, reference.(text, name)) unless request.member?(member)
  end
end

unless Aws::KMS::Client.method_defined?(:get_public_key)
  request = shapes::StructureShape.new(name: 'GetPublicKeyRequest')
  request.add_member(:key_id, reference.(text, 'KeyId'))
  response = shapes::StructureShape.new(name: 'GetPublicKeyResponse')
  response.add_member(:public_key, reference.(shapes::BlobShape.new(name: 'PublicKeyType'), 'PublicKey'))
  response.struct_class = Struct.new(:public_key) { include Aws::Structure }

  operation = Seahorse::Model::Operation.new
  operation.name = 'GetPublicKey'
  operation.http_method = 'POST'
  operation.http_request_uri = '/'
  operation.input = shapes::ShapeRef.new(shape: request)
  operation.output = shapes::ShapeRef.new(shape: response)
  api::API.add_operation(:get_public_key, operation)

  Aws::KMS::Client.define_method(:get_public_key) do |params|
    build_request(:get_public_key, params).send_request
  end
end
