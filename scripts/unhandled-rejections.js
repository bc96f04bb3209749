// Fails the test during which a rejection went unhandled: mocha's parallel mode lets them pass.
const unhandled = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));

export const mochaHooks = {
  afterEach() {
    if (unhandled.length > 0) throw unhandled.splice(0)[0];
  },
};
