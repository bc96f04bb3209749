// For test runs only: the tests run on every version of Node.js that is supported, and the AWS SDK's
// announcement of which it will support is none of their results.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

// Mocha has its workers exit, and sends them SIGTERM a second later: on a busy machine what was covered takes longer to write.
if (process.env.NODE_V8_COVERAGE !== undefined) process.on('SIGTERM', () => {});
