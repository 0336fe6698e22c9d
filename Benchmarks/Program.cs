using GumbelGan.Benchmarks.Tokenization;

switch (args)
{
    case ["bpe", .. string[] rest]:
        return BytePairEncodingBenchmark.Run(rest, Console.Out);
    default:
        Console.Error.WriteLine("Name a benchmark: bpe TEXT [PASSES].");
        return 2;
}
