using System.Text.Json;
using GumbelGan.Cli;
using GumbelGan.Training;
using Xunit;

namespace GumbelGan.Tests.Cli;

public sealed class DoctorCommandTests
{
    private static readonly EngineReport _sound = new("standin", "0.106.0", "1.13.0", "/usr/lib/libtorch_cpu.so", "/usr/lib/openblas-openmp/libblas.so.3", 1, 2, 2, 0, KeepsDenormals: false, 100);

    [Fact]
    public void The_engine_of_this_machine_is_described_in_one_json_document()
    {
        ProgramRun run = ProgramRun.Of("doctor", "--json");
        Assert.Equal((ExitCode.Done, ""), (run.ExitCode, run.Error));
        JsonElement engine = JsonDocument.Parse(run.Output).RootElement.GetProperty("engine");
        Assert.Contains(engine.GetProperty("packages").GetString(), (string[])["standin", "official"]);
        Assert.Equal(Environment.ProcessorCount, engine.GetProperty("cores").GetInt32());
        Assert.True(engine.GetProperty("gigaflops").GetDouble() > 0);
        Assert.Equal(TorchSharp.torch.get_num_threads(), engine.GetProperty("initial_threads").GetInt32());
    }

    [Fact]
    public void A_sound_engine_has_no_problems()
    {
        Assert.Empty(_sound.Problems());
        Assert.Empty((_sound with { BlasPath = null }).Problems());
    }

    [Fact]
    public void The_reference_blas_a_slow_product_and_idle_cores_are_noticed_each_with_a_remedy()
    {
        Assert.Contains("install libopenblas0-openmp", Assert.Single((_sound with { BlasPath = "/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0", Gigaflops = 2 }).Problems()));
        Assert.Contains("only 2.0 GFLOP/s", Assert.Single((_sound with { Gigaflops = 2 }).Problems()));
        Assert.Contains("1 of 2 cores", Assert.Single((_sound with { Threads = 1 }).Problems()));
    }

    [Fact]
    public void An_engine_that_does_not_load_gets_the_remedy_for_its_cause()
    {
        Assert.Contains("another processor", EngineReport.Remedy(new TypeInitializationException("torch", new BadImageFormatException())));
        Assert.Contains("make setup", EngineReport.Remedy(new DllNotFoundException()));
    }
}
