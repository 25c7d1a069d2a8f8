/** What of autocannon is used: the package has no types. */
declare module 'autocannon' {
  interface Client {
    setRequests(requests: readonly object[]): void;
  }
  function autocannon(options: {
    readonly url: string;
    readonly connections: number;
    readonly amount: number;
    readonly timeout: number;
    readonly setupClient: (client: Client) => void;
  }): Promise<{ readonly '2xx': number }>;
  export = autocannon;
}
