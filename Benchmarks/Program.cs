using GumbelGan.Benchmarks.Recording;
using GumbelGan.Benchmarks.Tokenization;

switch (args)
{
    case ["bpe", .. string[] rest]:
        return BytePairEncodingBenchmark.Run(rest, Console.Out);
    case ["recording", string corpus]:
        return RecordingBenchmark.Run(corpus, Console.Out);
    default:
        Console.Error.WriteLine("Name a benchmark: bpe TEXT [PASSES], or recording CORPUS.");
        return 2;
}
