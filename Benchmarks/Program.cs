using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;
using GumbelGan.Benchmarks.Comparison;
using GumbelGan.Benchmarks.Evaluation;
using GumbelGan.Benchmarks.Kernels;
using GumbelGan.Benchmarks.Recording;
using GumbelGan.Benchmarks.Scaling;
using GumbelGan.Benchmarks.Tokenization;
using GumbelGan.Engine;

// The vectors are left to oneDNN: eager libtorch, here and in the peer's process, is timed as its users have it.
EngineSettings.LetIdleThreadsSleep();
switch (args)
{
    case ["compare", .. string[] rest]:
        return ComparisonReport.Run(rest, Console.Out);
    case ["scaling", .. string[] rest]:
        return ScalingReport.Run(rest, Console.Out);
    case ["bpe", .. string[] rest]:
        return BytePairEncodingBenchmark.Run(rest, Console.Out);
    case ["recording", string corpus]:
        return RecordingBenchmark.Run(corpus, Console.Out);
    case ["products"]:
        ProductRate.Run(Console.Out);
        return 0;
    case ["bleu", string corpora]:
        BleuBenchmark.Run(Console.Out, corpora);
        return 0;
    case ["kernels", .. string[] rest]:
        // TorchSharp is the build's corrected copy, without optimisation on purpose; no kernel calls it.
        BenchmarkSwitcher.FromAssembly(typeof(ComparisonReport).Assembly)
            .Run(rest, DefaultConfig.Instance.WithOptions(ConfigOptions.DisableOptimizationsValidator));
        return 0;
    default:
        Console.Error.WriteLine(
            "Name a benchmark: compare [OPTIONS], scaling [OPTIONS], kernels [BenchmarkDotNet's options], bpe TEXT [PASSES], bleu CORPORA, "
                + "products, or recording CORPUS.");
        return 2;
}
