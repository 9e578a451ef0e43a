// What is in gen/ is made from this file:
//   thrift --gen js:node,ts,es6 -out test/thrift/gen test/thrift/depot.thrift

exception Refused {
  1: string reason
}

struct Parcel {
  1: required string label
}

// One method for each way a call can end.
service Depot {
  string echo(1: string text)
  string refuse(1: string reason) throws (1: Refused refused)
  string crash(1: string text)
  string nothing()
  string hang()
  void touch()
  void send(1: Parcel parcel)
  oneway void note(1: string text)
  list<string> notes()
}
