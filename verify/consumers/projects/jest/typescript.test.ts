import * as core from '@keywrap/core';
import * as envelope from '@keywrap/envelope';
import * as server from '@keywrap/kms-server';
import * as azure from '@keywrap/provider-azure';
import * as gcp from '@keywrap/provider-gcp';
import * as kms from '@keywrap/provider-kms';
import * as local from '@keywrap/provider-local';
import * as pkcs11 from '@keywrap/provider-pkcs11';
import * as vault from '@keywrap/provider-vault';
import * as resilience from '@keywrap/resilience';
import service from './service.cjs';

service({ core, envelope, resilience, local, kms, server, vault, azure, gcp, pkcs11 });
