// For test runs only: the tests run on every version of Node.js that is supported, and the AWS SDK's
// announcement of which it will support is none of their results.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
