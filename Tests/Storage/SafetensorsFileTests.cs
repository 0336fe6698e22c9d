using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;
using GumbelGan.Randomness;
using GumbelGan.Storage;
using Xunit;

namespace GumbelGan.Tests.Storage;

public sealed class SafetensorsFileTests
{
    private static readonly float[] _sixValues = [0, 1, 2, 3, 4, 5];

    /// <summary>The bytes that the reference implementation's own tests state (safetensors/src/tensor.rs, test_serialization and others).</summary>
    [Theory]
    [InlineData("attn.0", new long[] { 1, 2, 3 }, 64, "{\"attn.0\":{\"dtype\":\"F32\",\"shape\":[1,2,3],\"data_offsets\":[0,24]}}")]
    [InlineData("attn0", new long[] { 1, 1, 2, 3 }, 72, "{\"attn0\":{\"dtype\":\"F32\",\"shape\":[1,1,2,3],\"data_offsets\":[0,24]}}       ")]
    public void Writing_gives_the_bytes_of_the_reference_implementation(string name, long[] shape, byte headerLength, string header)
    {
        byte[] values = [0, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 64, 0, 0, 64, 64, 0, 0, 128, 64, 0, 0, 160, 64];
        byte[] expected = [headerLength, 0, 0, 0, 0, 0, 0, 0, .. Encoding.ASCII.GetBytes(header), .. values];
        Assert.Equal(expected, Write([SafetensorsEntry.Create<float>(name, shape, _sixValues)]));
    }

    [Fact]
    public void A_file_without_tensors_has_the_bytes_of_the_reference_implementation()
    {
        Assert.Equal([8, 0, 0, 0, 0, 0, 0, 0, .. "{}      "u8], Write([]));
        Assert.Equal(
            [40, 0, 0, 0, 0, 0, 0, 0, .. "{\"__metadata__\":{\"framework\":\"pt\"}}     "u8],
            Write([], new Dictionary<string, string> { ["framework"] = "pt" }));
    }

    [Fact]
    public void A_scalar_of_the_reference_implementations_tests_is_read()
    {
        SafetensorsFile file = Read([56, 0, 0, 0, 0, 0, 0, 0, .. "{\"test\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[0,4]}}"u8, 7, 0, 0, 0]);
        Assert.Empty(file["test"].Shape);
        Assert.Equal([7], file["test"].Values<int>().ToArray());
    }

    [Fact]
    public void What_is_written_is_read_back_for_every_element_type()
    {
        SafetensorsEntry[] entries =
        [
            .. Enum.GetValues<SafetensorsType>().Select((type, index) =>
                new SafetensorsEntry($"tensor.{type}", type, [2, 3],
                    Enumerable.Range(index, 6 * SafetensorsEntry.ElementSize(type)).Select(value => (byte)value).ToArray())),
            SafetensorsEntry.Create<float>("empty", [0, 7], []),
            SafetensorsEntry.Create<double>("scalar", [], [Math.PI]),
            SafetensorsEntry.Create<long>("name with \"quotes\", \\ and ß 語 😀\n", [1], [long.MinValue]),
        ];
        var metadata = new Dictionary<string, string> { ["b"] = "2", ["a"] = "line\nline" };
        byte[] bytes = Write(entries, metadata);
        SafetensorsFile file = Read(bytes);
        Assert.Equal(entries.Length, file.Entries.Count);
        foreach (SafetensorsEntry entry in entries)
        {
            Assert.True(file.Contains(entry.Name));
            Assert.Equal(entry.Type, file[entry.Name].Type);
            Assert.Equal(entry.Shape, file[entry.Name].Shape);
            Assert.Equal(entry.Data.ToArray(), file[entry.Name].Data.ToArray());
        }

        Assert.Equal(metadata.OrderBy(pair => pair.Key), file.Metadata);
        Assert.Equal(0, BinaryPrimitives.ReadInt64LittleEndian(bytes) % 8);
        Assert.Equal(bytes, Write(entries.Reverse(), metadata));
        Assert.Equal([Math.PI], file["scalar"].Values<double>().ToArray());
    }

    [Fact]
    public void A_missing_tensor_and_a_wrong_element_type_are_the_users_mistakes()
    {
        SafetensorsFile file = Read(Write([SafetensorsEntry.Create<float>("weight", [6], _sixValues)]));
        Assert.Contains("no tensor 'bias'", Assert.Throws<UserMistakeException>(() => file["bias"]).Message, StringComparison.Ordinal);
        Assert.Contains("holds F32 where F64", Assert.Throws<UserMistakeException>(() => file["weight"].Values<double>()[0]).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Tensors_that_do_not_fit_their_shape_or_share_a_name_cannot_be_written()
    {
        Assert.Throws<ArgumentException>(() => SafetensorsEntry.Create<float>("weight", [7], _sixValues));
        Assert.Throws<ArgumentException>(() => SafetensorsEntry.Create<float>("weight", [-6, -1], _sixValues));
        Assert.Throws<ArgumentException>(() => SafetensorsEntry.Create<decimal>("weight", [1], [1m]));
        SafetensorsEntry entry = SafetensorsEntry.Create<float>("weight", [6], _sixValues);
        Assert.Throws<ArgumentException>(() => Write([entry, entry]));
        Assert.Throws<ArgumentException>(() => Write([SafetensorsEntry.Create<float>("__metadata__", [6], _sixValues)]));
    }

    [Theory]
    [InlineData("nothing at all", "", 0)]
    [InlineData("no object", "[1]", 0)]
    [InlineData("leading space", " {}", 0)]
    [InlineData("cut JSON", "{\"a\":{\"dtype\":\"U8\"", 0)]
    [InlineData("text after the object", "{} {}", 0)]
    [InlineData("a comma too many", "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},}", 4)]
    [InlineData("a comment", "{/**/}", 0)]
    [InlineData("an entry that is a number", "{\"a\":1}", 0)]
    [InlineData("an entry that is a list", "{\"a\":[]}", 0)]
    [InlineData("an entry that is null", "{\"a\":null}", 0)]
    [InlineData("no type", "{\"a\":{\"shape\":[4],\"data_offsets\":[0,4]}}", 4)]
    [InlineData("no shape", "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,4]}}", 4)]
    [InlineData("no offsets", "{\"a\":{\"dtype\":\"U8\",\"shape\":[4]}}", 4)]
    [InlineData("an unknown field", "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4],\"run\":\"me\"}}", 4)]
    [InlineData("a repeated field", "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4)]
    [InlineData("a repeated name",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}", 8)]
    [InlineData("a name repeated by escapes",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"\\u0061\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}", 8)]
    [InlineData("an unknown type", "{\"a\":{\"dtype\":\"F31\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4)]
    [InlineData("a type in lower case", "{\"a\":{\"dtype\":\"u8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4)]
    [InlineData("a type by number", "{\"a\":{\"dtype\":\"1\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4)]
    [InlineData("a list of types", "{\"a\":{\"dtype\":\"BOOL, U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4)]
    [InlineData("a shape that is no list", "{\"a\":{\"dtype\":\"U8\",\"shape\":4,\"data_offsets\":[0,4]}}", 4)]
    [InlineData("a length that is text", "{\"a\":{\"dtype\":\"U8\",\"shape\":[\"4\"],\"data_offsets\":[0,4]}}", 4)]
    [InlineData("a length with a point", "{\"a\":{\"dtype\":\"U8\",\"shape\":[4.0],\"data_offsets\":[0,4]}}", 4)]
    [InlineData("a length with an exponent", "{\"a\":{\"dtype\":\"U8\",\"shape\":[4e0],\"data_offsets\":[0,4]}}", 4)]
    [InlineData("a negative length", "{\"a\":{\"dtype\":\"U8\",\"shape\":[-2,-2],\"data_offsets\":[0,4]}}", 4)]
    [InlineData("a length over 64 bits", "{\"a\":{\"dtype\":\"U8\",\"shape\":[18446744073709551620],\"data_offsets\":[0,4]}}", 4)]
    [InlineData("a product that wraps to 4", "{\"a\":{\"dtype\":\"U8\",\"shape\":[4611686018427387905,4],\"data_offsets\":[0,4]}}", 4)]
    [InlineData("a product that wraps to 0", "{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0)]
    [InlineData("an overflow behind a zero", "{\"a\":{\"dtype\":\"U8\",\"shape\":[0,9223372036854775807,2],\"data_offsets\":[0,0]}}", 0)]
    [InlineData("a shape too large for its bytes", "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4)]
    [InlineData("a shape too small for its bytes", "{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,4]}}", 4)]
    [InlineData("one offset", "{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0]}}", 0)]
    [InlineData("three offsets", "{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0,0]}}", 0)]
    [InlineData("offsets the wrong way round", "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,0]}}", 4)]
    [InlineData("a negative offset", "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[-4,0]}}", 4)]
    [InlineData("an offset past the end", "{\"a\":{\"dtype\":\"U8\",\"shape\":[5],\"data_offsets\":[0,5]}}", 4)]
    [InlineData("an offset far past the end",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[9223372036854775807],\"data_offsets\":[0,9223372036854775807]}}", 4)]
    [InlineData("data that nothing describes", "{}", 4)]
    [InlineData("a gap at the start", "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[1,4]}}", 4)]
    [InlineData("a gap in the middle",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}}", 4)]
    [InlineData("a gap at the end", "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}", 4)]
    [InlineData("an overlap",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}}", 4)]
    [InlineData("two tensors on the same bytes",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4)]
    [InlineData("metadata that is no object", "{\"__metadata__\":[]}", 0)]
    [InlineData("metadata that is no text", "{\"__metadata__\":{\"a\":1}}", 0)]
    [InlineData("metadata that nests", "{\"__metadata__\":{\"a\":{}}}", 0)]
    [InlineData("metadata with a key repeated", "{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0)]
    [InlineData("metadata twice", "{\"__metadata__\":{},\"__metadata__\":{}}", 0)]
    [InlineData("half a surrogate pair", "{\"\\ud800\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4)]
    public void A_malformed_header_is_refused_with_one_sentence(string fault, string header, int dataLength)
    {
        var failure = Assert.Throws<UserMistakeException>(() => Read(File(Encoding.UTF8.GetBytes(header), dataLength)));
        Assert.False(string.IsNullOrWhiteSpace(failure.Message) || failure.Message.Contains('\n'), fault);
    }

    [Fact]
    public void Bytes_that_are_no_UTF8_are_refused_wherever_they_stand()
    {
        byte[] header = Encoding.UTF8.GetBytes("{\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}");
        Read(File(header, 4));
        for (int place = 0; place < header.Length; place++)
        {
            byte[] broken = [.. header];
            broken[place] = 0xFF;
            Assert.Throws<UserMistakeException>(() => Read(File(broken, 4)));
        }
    }

    [Fact]
    public void A_file_cut_at_any_byte_is_refused()
    {
        byte[] bytes = Write([SafetensorsEntry.Create<float>("a", [6], _sixValues), SafetensorsEntry.Create<byte>("b", [3], [1, 2, 3])]);
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<UserMistakeException>(() => Read(bytes[..length]));
        }
    }

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(0x8000000000000000UL)]
    [InlineData(100_000_001UL)]
    [InlineData(100_000_000UL)]
    [InlineData(57UL)]
    public void A_header_length_beyond_the_file_or_the_limit_allocates_nothing(ulong length)
    {
        byte[] bytes = File("{\"test\":{\"dtype\":\"I32\",\"shape\":[],\"data_offsets\":[0,4]}}"u8, 0);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<UserMistakeException>(() => Read(bytes));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    [Fact]
    public void Deep_nesting_is_refused()
    {
        Assert.Throws<UserMistakeException>(() => Read(File(Encoding.ASCII.GetBytes("{\"a\":" + new string('[', 1_000_000)), 0)));
        Assert.Throws<UserMistakeException>(
            () => Read(File(Encoding.ASCII.GetBytes("{\"a\":{\"shape\":[" + string.Join(',', Enumerable.Repeat(1, 1_000_000)) + "]}}"), 0)));
    }

    [Fact]
    public void A_missing_file_and_a_folder_are_the_users_mistakes()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<UserMistakeException>(() => SafetensorsFile.Read(folder["none.safetensors"]));
        Assert.Throws<UserMistakeException>(() => SafetensorsFile.Read(folder.Path));
        Assert.Throws<UserMistakeException>(() => SafetensorsFile.Read(Path.Combine(folder["none"], "none.safetensors")));
    }

    [Fact]
    public void Mutated_files_are_read_or_refused_and_never_cost_more_memory_than_they_weigh()
    {
        byte[][] seeds =
        [
            Write([]),
            Write([SafetensorsEntry.Create<float>("embedding.weight", [2, 3], _sixValues), SafetensorsEntry.Create<long>("step", [], [7])],
                new Dictionary<string, string> { ["format"] = "pt" }),
            Write(Enum.GetValues<SafetensorsType>()
                .Select(type => new SafetensorsEntry(type.ToString(), type, [3], new byte[3 * SafetensorsEntry.ElementSize(type)]))),
        ];
        byte[][] dictionary =
            [.. new[] { "\"data_offsets\"", "\"dtype\":\"F64\"", "[0,0]", "9223372036854775807", "-1", "{", "}", "[", "]", "\"", ",", ":", "\\u0000",
            "\\ud800", "null", "1e9", "__metadata__", "\0" }.Select(Encoding.UTF8.GetBytes)];
        int accepted = 0;
        for (ulong round = 0; round < 2_000; round++)
        {
            var stream = new RandomStream(new RandomKey(5).Derive("safetensors").Derive(round));
            byte[] seed = seeds[stream.NextInt32(seeds.Length)];
            int headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(seed);
            // Half of the mutants keep a truthful header length, or few would come past it.
            byte[] mutant = stream.NextInt32(2) == 0
                ? Mutation.Of(seed, dictionary, stream)
                : File(Mutation.Of(seed[8..(8 + headerLength)], dictionary, stream), seed.Length - 8 - headerLength);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                SafetensorsFile file = Read(mutant);
                accepted++;
                Assert.True(file.Entries.Sum(entry => (long)entry.Data.Length) <= mutant.Length);
            }
            catch (UserMistakeException)
            {
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000 + (20 * mutant.Length));
        }

        Assert.InRange(accepted, 50, 1_950); // both outcomes were met, so the mutants are neither all intact nor all hopeless
    }

    [Fact]
    public void A_disk_that_fills_up_at_any_byte_leaves_the_previous_file_readable()
    {
        using var folder = new TemporaryFolder();
        string path = folder["generator.safetensors"];
        SafetensorsEntry[] next = [SafetensorsEntry.Create<double>("weight", [2], [1.0, 2.0])];
        SafetensorsFile.Write(path, [SafetensorsEntry.Create<float>("weight", [6], _sixValues)]);
        int length = Write(next).Length;
        for (int limit = 0; limit < length; limit++)
        {
            Assert.Throws<UserMistakeException>(() => SafetensorsFile.Write(path, next, medium: new FailingMedium(bytes: limit)));
            Assert.Equal(_sixValues, SafetensorsFile.Read(path)["weight"].Values<float>().ToArray());
        }

        Assert.Equal(["generator.safetensors"], folder.Names);
    }

    /// <summary>A reader and a writer of the format in Python, on json, struct and numpy alone, that share nothing with ours.</summary>
    [Fact]
    public void Python_reads_what_we_write_and_we_read_what_Python_writes()
    {
        const string Script =
            """
            import json, struct, sys
            import numpy
            types = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?", "F16": "<f2"}
            raw = open(sys.argv[1], "rb").read()
            (length,) = struct.unpack("<Q", raw[:8])
            header = json.loads(raw[8:8 + length].decode("utf-8"))
            metadata = header.pop("__metadata__", {})
            data = raw[8 + length:]
            def tensor(d):
                first, last = d["data_offsets"]
                return numpy.frombuffer(data[first:last], types[d["dtype"]]).reshape(d["shape"])
            tensors = {name: tensor(d) for name, d in header.items()}
            assert metadata == {"format": "pt"}, metadata
            assert numpy.array_equal(tensors["f32"], numpy.array([[1, -2.5], [float("inf"), 1e-40]], "<f4")), tensors["f32"]
            assert numpy.array_equal(tensors["f64"], numpy.array([numpy.pi])) and tensors["i64"] == -5 and tensors["i64"].shape == ()
            assert tensors["bool"].tolist() == [True, False, True]
            written, offset = {}, 0
            for name, array in sorted(tensors.items()):
                dtype = [t for t, n in types.items() if numpy.dtype(n) == array.dtype][0]
                written[name] = {"shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes], "dtype": dtype}
                offset += array.nbytes
            text = json.dumps(written, indent=1).encode()
            with open(sys.argv[2], "wb") as out:
                out.write(struct.pack("<Q", len(text)) + text + b"".join(array.tobytes() for _, array in sorted(tensors.items())))
            """;
        using var folder = new TemporaryFolder();
        System.IO.File.WriteAllText(folder["peer.py"], Script);
        if (!System.IO.File.Exists("/usr/bin/python3") || Run("-c", "import numpy") != "")
        {
            Assert.Skip("/usr/bin/python3 with numpy is not installed.");
        }

        SafetensorsEntry[] entries =
        [
            SafetensorsEntry.Create<float>("f32", [2, 2], [1, -2.5f, float.PositiveInfinity, 1e-40f]),
            SafetensorsEntry.Create<double>("f64", [1], [Math.PI]),
            SafetensorsEntry.Create<long>("i64", [], [-5]),
            SafetensorsEntry.Create<bool>("bool", [3], [true, false, true]),
        ];
        SafetensorsFile.Write(folder["ours"], entries, new Dictionary<string, string> { ["format"] = "pt" });
        Assert.Equal("", Run(folder["peer.py"], folder["ours"], folder["theirs"]));
        SafetensorsFile theirs = SafetensorsFile.Read(folder["theirs"]);
        foreach (SafetensorsEntry entry in entries)
        {
            Assert.Equal(entry.Type, theirs[entry.Name].Type);
            Assert.Equal(entry.Shape, theirs[entry.Name].Shape);
            Assert.Equal(entry.Data.ToArray(), theirs[entry.Name].Data.ToArray());
        }
    }

    private static string Run(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("/usr/bin/python3", arguments) { RedirectStandardError = true })!;
        string errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? "" : errors + process.ExitCode;
    }

    private static byte[] File(ReadOnlySpan<byte> header, int dataLength)
    {
        byte[] bytes = new byte[8 + header.Length + dataLength];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, header.Length);
        header.CopyTo(bytes.AsSpan(8));
        return bytes;
    }

    private static byte[] Write(IEnumerable<SafetensorsEntry> entries, IReadOnlyDictionary<string, string>? metadata = null)
    {
        using var folder = new TemporaryFolder();
        SafetensorsFile.Write(folder["file"], entries, metadata);
        return System.IO.File.ReadAllBytes(folder["file"]);
    }

    private static SafetensorsFile Read(byte[] bytes) => SafetensorsFile.Read("file", new MemoryStream(bytes));
}
