// What is in gen/ is made from this file:
//   thrift --gen js:node,ts,es6 -out sample/01-thrift/gen sample/01-thrift/conn-pool-example.thrift
// (compiler 0.17 or later; `es6` is what makes its methods give promises)

service ConnPoolExample {
  string Ping(1: string meta)
  string Echo(1: string req)
}
