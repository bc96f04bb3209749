/** The object identifiers that key material is made of, under their names in the standards. */
export const OID = {
  // RFC 8017, appendix A.1
  rsaEncryption: '1.2.840.113549.1.1.1',
  // RFC 5480 §2.1.1
  'id-ecPublicKey': '1.2.840.10045.2.1',
  secp256r1: '1.2.840.10045.3.1.7',
  secp384r1: '1.3.132.0.34',
  secp521r1: '1.3.132.0.35',
  secp256k1: '1.3.132.0.10', // SEC 2, appendix A.2
  // RFC 8018, appendices A.4, B.1 and B.2; NIST's for AES
  'id-PBES2': '1.2.840.113549.1.5.13',
  'id-PBKDF2': '1.2.840.113549.1.5.12',
  'id-hmacWithSHA1': '1.2.840.113549.2.7',
  'id-hmacWithSHA256': '1.2.840.113549.2.9',
  'id-hmacWithSHA384': '1.2.840.113549.2.10',
  'id-hmacWithSHA512': '1.2.840.113549.2.11',
  'aes128-CBC': '2.16.840.1.101.3.4.1.2',
  'aes192-CBC': '2.16.840.1.101.3.4.1.22',
  'aes256-CBC': '2.16.840.1.101.3.4.1.42',
  'des-EDE3-CBC': '1.2.840.113549.3.7',
  // RFC 7292 §4.2 and appendix C
  pbeWithSHAAnd3KeyTripleDESCBC: '1.2.840.113549.1.12.1.3',
  pbewithSHAAnd40BitRC2CBC: '1.2.840.113549.1.12.1.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  pkcs8ShroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  safeContentsBag: '1.2.840.113549.1.12.10.1.6',
  // RFC 5652 §4 and §8
  'id-data': '1.2.840.113549.1.7.1',
  'id-encryptedData': '1.2.840.113549.1.7.6',
  // RFC 5754 §2 (SHA-2) and RFC 3370 §2.1 (SHA-1)
  'id-sha1': '1.3.14.3.2.26',
  'id-sha256': '2.16.840.1.101.3.4.2.1',
  'id-sha384': '2.16.840.1.101.3.4.2.2',
  'id-sha512': '2.16.840.1.101.3.4.2.3',
} as const;
