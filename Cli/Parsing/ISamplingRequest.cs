using GumbelGan.Generators;

namespace GumbelGan.Cli.Parsing;

/// <summary>A request that says how sequences are drawn.</summary>
internal interface ISamplingRequest
{
    /// <summary>Temperature and truncation.</summary>
    SamplingRule Sampling { get; }
}

/// <summary>The options that say it; several commands share them.</summary>
internal static class SamplingRequestOptions
{
    private const double SmallestShare = 1e-6;

    public static RequestCommand<T> WithSampling<T>(this RequestCommand<T> command)
        where T : class, ISamplingRequest, new() => command
        .Number("--temperature", "Divides the logits: 1 samples the model itself, less is safer and less varied.",
            request => request.Sampling.Temperature, atLeast: 0.001, atMost: 1000)
        .WithTruncation();

    public static RequestCommand<T> WithTruncation<T>(this RequestCommand<T> command)
        where T : class, ISamplingRequest, new() => command
        .Number("--top-k", "Draw each token among this many likeliest ones only, after the temperature; 1 is greedy, 0 for no limit.",
            request => request.Sampling.TopK, atLeast: 0)
        .Number("--top-p",
            "Draw each token among the likeliest ones that together hold this share of the probability, after --top-k; 1 for no limit.",
            request => request.Sampling.TopP, atLeast: SmallestShare, atMost: 1);
}
