// What the API is about to say, and its description does not yet: each goes as soon as schema.d.ts has it.

declare module './schema' {
  interface Operations {
    'POST /regulations/{id}/proof': {
      path: { id: string };
      query: {};
      headers: {};
      body: { subjectType: string; subjectId: string };
      reply: { data: { certificate: string; kind: string; salt: string } };
    };
  }
}

export {};
